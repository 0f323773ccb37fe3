// What the model tests of tasks have in common.
#ifndef FRYS_TESTS_MODEL_TASKS_HPP
#define FRYS_TESTS_MODEL_TASKS_HPP

#include <frys/sched/cancel.hpp>
#include <frys/sched/task.hpp>

#include <coroutine>
#include <cstdint>
#include <utility>

#include "blocks.hpp"

namespace model_tasks {

using source = frys::basic_stop_source<blocks::with_model>;
using payload = blocks::A::var<int>;

// Opened once, by any thread, before or behind the one coroutine that waits for it; answers false if it was stopped.
class event {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    handle_ = h;
    if (!stop_.begin(frys::stop_token_of(h), *this, &on_stop)) {
      end_.store(stopped, std::memory_order_relaxed);
      return false;
    }
    std::uint32_t none = pending;
    // acq_rel: what we wrote is there for who opens or stops; what they did for us
    return end_.compare_exchange_strong(none, waiting, std::memory_order_acq_rel, std::memory_order_acquire);
  }
  bool await_resume() noexcept {
    stop_.end();
    return end_.load(std::memory_order_acquire) != stopped;
  }
  // Lets go on who waits, on this thread.
  void open() noexcept {
    if (leaves(opened)) handle_.resume();
  }

 private:
  static constexpr std::uint32_t pending = 0, waiting = 1, opened = 2, stopped = 3;
  // True: the coroutine stands here and is ours.
  bool leaves(std::uint32_t how) noexcept {
    std::uint32_t seen = end_.load(std::memory_order_acquire);
    while (seen == pending || seen == waiting)
      if (end_.compare_exchange_strong(seen, how, std::memory_order_acq_rel, std::memory_order_acquire))
        return seen == waiting;
    return false;
  }
  static frys::stop_action on_stop(void* p) noexcept {
    auto& self = *static_cast<event*>(p);
    if (!self.leaves(stopped)) return {};
    return frys::stop_action::resume(self.handle_);
  }
  std::coroutine_handle<> handle_;
  frys::stop_wait stop_;
  typename blocks::A::template atomic<std::uint32_t> end_{pending};
};

// Starts `body` with a token, as a child of one who has it.
class with_token {
 public:
  with_token(frys::stop_token token, frys::task<> body) { run(token, std::move(body)); }

 private:
  struct root {
    struct promise_type {
      frys::stop_token token;
      promise_type(const frys::stop_token& t, frys::task<>&) noexcept : token(t) {}
      frys::stop_token get_stop_token() const noexcept { return token; }
      root get_return_object() noexcept { return {}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() noexcept { std::terminate(); }
    };
  };
  static root run(frys::stop_token, frys::task<> body) { co_await body; }
};

}  // namespace model_tasks

#endif  // FRYS_TESTS_MODEL_TASKS_HPP
