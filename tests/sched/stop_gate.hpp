// What tests of tasks wait at: opened from any thread, stopped by the protocol of cancel.hpp.
#ifndef FRYS_TESTS_SCHED_STOP_GATE_HPP
#define FRYS_TESTS_SCHED_STOP_GATE_HPP

#include <frys/core/result.hpp>
#include <frys/sched/cancel.hpp>

#include <coroutine>
#include <mutex>
#include <utility>

namespace sched_tests {

class gate {
 public:
  class waiter {
   public:
    explicit waiter(gate& at) noexcept : at_(&at) {}
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    ~waiter() {
      stop_.end();
      const std::lock_guard held(at_->mutex_);
      if (at_->waiting_ == this) at_->waiting_ = nullptr;
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
      handle_ = h;
      if (!stop_.begin(frys::stop_token_of(h), *this, &on_stop)) {
        end_ = stopped;
        return false;
      }
      const std::lock_guard held(at_->mutex_);
      if (end_ == stopped) return false;
      at_->waiting_ = this;
      return true;
    }
    frys::result<void> await_resume() noexcept {
      stop_.end();
      if (end_ == stopped) return frys::cancelled_error();
      return {};
    }

   private:
    friend gate;
    static frys::stop_action on_stop(void* p) noexcept {
      auto& self = *static_cast<waiter*>(p);
      const std::lock_guard held(self.at_->mutex_);
      if (self.end_ != pending) return {};
      self.end_ = stopped;
      if (self.at_->waiting_ != &self) return {};
      self.at_->waiting_ = nullptr;
      return frys::stop_action::resume(self.handle_);
    }
    gate* at_;
    std::coroutine_handle<> handle_;
    frys::stop_wait stop_;
    enum { pending, done, stopped } end_ = pending;
  };

  [[nodiscard]] waiter wait() noexcept { return waiter(*this); }
  bool waits() noexcept {
    const std::lock_guard held(mutex_);
    return waiting_ != nullptr;
  }
  // Lets go on who waits, on this thread; false if nobody does.
  bool try_open() {
    std::coroutine_handle<> next;
    {
      const std::lock_guard held(mutex_);
      if (waiting_ == nullptr) return false;
      waiter* const w = std::exchange(waiting_, nullptr);
      w->end_ = waiter::done;
      next = w->handle_;
    }
    next.resume();
    return true;
  }
  void open() { (void)try_open(); }

 private:
  std::mutex mutex_;
  waiter* waiting_ = nullptr;
};

}  // namespace sched_tests

#endif  // FRYS_TESTS_SCHED_STOP_GATE_HPP
