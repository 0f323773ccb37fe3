// What the tests of the blocks that coroutines wait for have in common.
#ifndef FRYS_TESTS_SCHED_WAITS_HPP
#define FRYS_TESTS_SCHED_WAITS_HPP

#include <frys/core/parker.hpp>
#include <frys/core/work.hpp>
#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/sched/cancel.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

namespace waits {

// Of a coroutine that runs at once. Its token, if any, is that of the source that it takes as its first argument.
struct eager_promise {
  eager_promise() = default;
  template <class... P, class... Args>
  explicit eager_promise(frys::basic_stop_source<P...>& source, Args&&...) : token(source.token()) {}
  frys::stop_token get_stop_token() const noexcept { return token; }
  std::suspend_never initial_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() const noexcept { std::terminate(); }
  frys::stop_token token;
};

// Ends by itself, on whatever thread; who counts its end must not ask for more.
struct detached {
  struct promise_type : eager_promise {
    using eager_promise::eager_promise;
    detached get_return_object() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
  };
};

// Is destroyed with its object, wherever it waits.
class stoppable {
 public:
  struct promise_type : eager_promise {
    using eager_promise::eager_promise;
    stoppable get_return_object() noexcept { return stoppable(handle::from_promise(*this)); }
    std::suspend_always final_suspend() const noexcept { return {}; }
  };
  stoppable(stoppable&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  stoppable& operator=(stoppable&& other) noexcept {
    if (this != &other) {
      reset();
      body_ = std::exchange(other.body_, nullptr);
    }
    return *this;
  }
  ~stoppable() { reset(); }
  void reset() noexcept {
    if (body_ != nullptr) std::exchange(body_, nullptr).destroy();
  }
  bool done() const noexcept { return body_ == nullptr || body_.done(); }

 private:
  using handle = std::coroutine_handle<promise_type>;
  explicit stoppable(handle body) noexcept : body_(body) {}
  handle body_;
};

// Runs what is posted, on the thread that calls.
class loop {
 public:
  void post(frys::work& w) noexcept {
    if (posted_.push(w)) parker_.unpark();
  }
  bool run_one() noexcept {
    frys::work* const w = posted_.pop();
    if (w != nullptr) w->run(*w);
    return w != nullptr;
  }
  std::size_t run_all() noexcept {
    std::size_t n = 0;
    while (run_one()) ++n;
    return n;
  }
  void run_until(const bool& done) noexcept {
    while (!done)
      if (!run_one()) parker_.park();
  }

 private:
  frys::intrusive_mpsc_queue<frys::work> posted_;
  frys::parker<> parker_;
};

}  // namespace waits

#endif  // FRYS_TESTS_SCHED_WAITS_HPP
