// event_loop: what every reactor's loop has in common: posted work, timers, ready coroutines, stop.
//
// Derived gives wait(timeout): waits at most `timeout` for completions (negative: for ever); handle(): handles those
// that are there and answers their number; and wake(): ends a wait, from any thread. The loop counts as awake between
// the two, so what handlers post to their own loop costs no system call.
#ifndef FRYS_IO_DETAIL_EVENT_LOOP_HPP
#define FRYS_IO_DETAIL_EVENT_LOOP_HPP

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstddef>

#include "../../config.hpp"
#include "../../core/deadline.hpp"
#include "../../core/intrusive_list.hpp"
#include "../../core/result.hpp"
#include "../../core/work.hpp"
#include "../../sched/timer_wheel.hpp"
#include "post_queue.hpp"

namespace frys::inline FRYS_ABI::detail {

// A coroutine that waits for the loop. Leaves its list when it is destroyed.
struct loop_waiter : list_hook<> {
  loop_waiter() = default;
  loop_waiter(const loop_waiter&) = delete;
  loop_waiter& operator=(const loop_waiter&) = delete;
  ~loop_waiter() { unlink(); }

  std::coroutine_handle<> handle = nullptr;
};

template <class Derived, class Atomics, class Clock>
class event_loop {
 public:
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  // Any thread. Runs the work in the loop, later; wakes the loop only if it sleeps.
  void post(work& w) noexcept {
    if (posted_.push(w)) derived().wake();
  }

  // Any thread. Ends run(), or the next one if none runs.
  void stop() noexcept {
    // sync(event_loop.stop): release; relaxed would do for the flag itself, but the node must not be posted twice.
    if (!stopping_.exchange(true, std::memory_order_acq_rel)) post(stop_work_);
  }

  // Until stop().
  void run() {
    stopped_ = false;
    while (!stopped_) static_cast<void>(run_once(deadline::never()));
  }

  // One turn: completions, posted work, timers, then what yielded. Answers how many of them it handled; waits for the
  // first one, at most until `until`.
  std::size_t run_once(deadline until) {
    bool slept = false;
    nanoseconds timeout{0};
    if (ready_.empty() && yielded_.empty()) {
      const deadline next = (std::min)(until, wheel_.next_deadline());
      timeout = next.is_never() ? nanoseconds{-1} : until_then(next);
      if (timeout.count() != 0) {
        if (spin_.count() > 0) {
          if (const std::size_t seen = look_around(timeout); seen != 0) return seen + after_poll();
        }
        slept = posted_.fall_asleep();
        if (!slept) timeout = nanoseconds{0};
      }
    }
    derived().wait(timeout);
    if (slept) posted_.wake_up();
    const std::size_t handled = derived().handle();
    return handled + after_poll();
  }

  // Awaitable: goes on after all that is ready in this turn has been handled.
  auto yield() noexcept {
    struct awaiter : loop_waiter {
      event_loop& loop;
      explicit awaiter(event_loop& l) noexcept : loop(l) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> h) noexcept {
        handle = h;
        loop.yielded_.push_back(*this);
      }
      void await_resume() const noexcept {}
    };
    return awaiter(*this);
  }

  // Awaitable result<void>: goes on when `until` has passed, at most two milliseconds late if the loop is not busy.
  auto sleep_until(deadline until) noexcept {
    struct awaiter : loop_waiter {
      using withdrawn_by_destruction [[maybe_unused]] = void;  // see sched/timeout.hpp
      event_loop& loop;
      deadline until;
      struct alarm_timer : timer {
        awaiter* owner;
        explicit alarm_timer(awaiter* o) noexcept : timer(&rings), owner(o) {}
        static void rings(timer& t) noexcept {
          awaiter& a = *static_cast<alarm_timer&>(t).owner;
          a.loop.ready_.push_back(a);
        }
      } alarm{this};

      awaiter(event_loop& l, deadline d) noexcept : loop(l), until(d) {}
      ~awaiter() {
        if (alarm.is_pending()) loop.wheel_.cancel(alarm);  // else the loop may be gone already
      }
      bool await_ready() const noexcept { return until.template has_passed<Clock>(); }
      void await_suspend(std::coroutine_handle<> h) noexcept {
        handle = h;
        loop.wheel_.add(alarm, until);
      }
      result<void> await_resume() const noexcept { return {}; }
    };
    return awaiter(*this, until);
  }
  auto sleep_for(nanoseconds delay) noexcept { return sleep_until(deadline::after<Clock>(delay)); }

  // Owner thread. Timers of the loop: `fire` is called in the loop, and must not block.
  void add_timer(timer& t, deadline at) noexcept { wheel_.add(t, at); }
  bool cancel_timer(timer& t) noexcept { return wheel_.cancel(t); }

 protected:
  explicit event_loop(nanoseconds spin) noexcept : wheel_(Clock::now()), spin_(spin) {}
  ~event_loop() = default;

  // Makes a coroutine go on, from the loop.
  void resume(std::coroutine_handle<> h) {
    direct_ = 0;
    h.resume();
  }
  // In this turn still, or else in the next one.
  void make_ready(loop_waiter& w) noexcept { ready_.push_back(w); }
  // An operation was complete without the loop. True if the coroutine has had its share and shall let others run.
  bool had_its_share() noexcept { return ++direct_ > most_direct; }

 private:
  static constexpr unsigned most_direct = 64;

  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  static nanoseconds until_then(deadline next) noexcept {
    if (next <= deadline::now()) return nanoseconds{0};
    return (std::max)(next.at - Clock::now(), nanoseconds{0});
  }

  // Polls without sleeping for a while. Answers what it handled.
  std::size_t look_around(nanoseconds timeout) {
    const nanoseconds start = Clock::now();
    const nanoseconds most = timeout.count() < 0 ? spin_ : (std::min)(spin_, timeout);
    do {
      derived().wait(nanoseconds{0});
      const std::size_t handled = derived().handle();
      if (handled != 0 || !posted_.seems_empty()) return (std::max)(handled, std::size_t{1});
      Atomics::pause();
    } while (Clock::now() - start < most);
    return 0;
  }

  std::size_t after_poll() {
    std::size_t handled = 0;
    for (work* w = posted_.take_all(); w != nullptr; ++handled) {
      work* const next = w->next;  // running it may end its life
      direct_ = 0;
      w->run(*w);
      w = next;
    }
    if (!wheel_.empty()) handled += wheel_.advance(Clock::now());
    handled += run_all(ready_);
    handled += run_all(yielded_);
    return handled;
  }

  // Those that are there now; what they add waits for the next turn. A waiter that dies meanwhile leaves the list.
  std::size_t run_all(intrusive_list<loop_waiter>& waiting) {
    if (waiting.empty()) return 0;
    intrusive_list<loop_waiter> now;
    now.splice_back(waiting);
    std::size_t handled = 0;
    while (loop_waiter* w = now.pop_front()) {
      ++handled;
      resume(w->handle);
    }
    return handled;
  }

  struct stop_node : work {
    event_loop* loop;
    explicit stop_node(event_loop* l) noexcept : work(&apply), loop(l) {}
    static void apply(work& w) noexcept {
      event_loop& l = *static_cast<stop_node&>(w).loop;
      l.stopped_ = true;
      // sync(event_loop.stop): release; the node is ours no longer when the next stop posts it.
      l.stopping_.store(false, std::memory_order_release);
    }
  };

  post_queue<Atomics> posted_;
  typename Atomics::template atomic<bool> stopping_{false};
  stop_node stop_work_{this};
  bool stopped_ = false;
  unsigned direct_ = 0;
  intrusive_list<loop_waiter> ready_;
  intrusive_list<loop_waiter> yielded_;
  timer_wheel<> wheel_;
  nanoseconds spin_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_IO_DETAIL_EVENT_LOOP_HPP
