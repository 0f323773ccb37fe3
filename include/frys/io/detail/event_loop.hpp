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
#include <memory>
#include <new>
#include <utility>

#include "../../config.hpp"
#include "../../core/deadline.hpp"
#include "../../core/intrusive_list.hpp"
#include "../../core/result.hpp"
#include "../../core/stop_token.hpp"
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

// What a wait that was stopped answers.
inline constexpr error wait_stopped{errc::cancelled, domain::io, "a stop was asked for", 0};

struct stoppable_waiter;

// Somebody's wish that a wait shall stop. It may be uttered on any thread; there it becomes work that is posted to the
// loop, and everything else is the loop's: so no operation needs a lock, and one from the loop's own thread needs no
// system call.
struct stop_request : work {
  stop_request(stoppable_waiter& w, void* l, function f) noexcept : work(f), of(&w), loop(l) {}
  stop_wait wait;
  stoppable_waiter* of;
  void* loop;
  bool posted = false;  // it is on its way: the asking thread's until wait.end(), then the loop's
  bool over = false;    // the operation has ended meanwhile: its coroutine goes on when the request has come
};

// One that listens to its coroutine's stop token. Derived gives withdraw(), which the loop calls when a request has
// come: it ends the operation, or asks for its end and lets it come.
struct stoppable_waiter : loop_waiter {
  enum class hearing : unsigned char {
    none,     // has no token, or has ended
    listens,  // stands in the loop's list of those who do
    asked,    // the request has come, and the kernel has been told; the operation's end is still to come
  };

  stoppable_waiter() noexcept {}
  // Before it is awaited.
  stoppable_waiter(stoppable_waiter&& other) noexcept : loop_waiter() {
    FRYS_ASSERT(!other.is_linked(), "reactor: an awaiter was moved while its coroutine waits");
  }
  stoppable_waiter& operator=(stoppable_waiter&&) = delete;
  ~stoppable_waiter() {}

  void stop_listening() noexcept {
    hears = hearing::none;
    std::destroy_at(&request);
    unlink();
  }

  hearing hears = hearing::none;
  union {
    stop_request request;  // made when there is a token, so that who has none pays for nothing
  };
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
    if (ready_.empty() && yielded_.empty() && taken_ == nullptr) {
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
  // Errors: cancelled, when a stop is asked for.
  auto sleep_until(deadline until) noexcept { return sleep_awaiter(*this, until); }
  auto sleep_for(nanoseconds delay) noexcept { return sleep_until(deadline::after<Clock>(delay)); }

  // Owner thread. Timers of the loop: `fire` is called in the loop, and must not block.
  void add_timer(timer& t, deadline at) noexcept { wheel_.add(t, at); }
  bool cancel_timer(timer& t) noexcept { return wheel_.cancel(t); }

 protected:
  explicit event_loop(nanoseconds spin) noexcept : wheel_(Clock::now()), spin_(spin) {}
  ~event_loop() {
    while (!listening_.empty()) static_cast<stoppable_waiter&>(listening_.front()).stop_listening();
  }

  // Makes a coroutine go on, from the loop.
  void resume(std::coroutine_handle<> h) {
    direct_ = 0;
    h.resume();
  }
  // In this turn still, or else in the next one.
  void make_ready(loop_waiter& w) noexcept { ready_.push_back(w); }

  // In await_suspend, before the operation is begun; w.handle is set. False: a stop was asked for already.
  template <class Wait>
  bool listen(Wait& w, stop_token token) noexcept {
    return !token || listen_to(w, token, [](work& posted) noexcept {
      stop_request& come = static_cast<stop_request&>(posted);
      if (!has_ended(come)) static_cast<Wait&>(*come.of).withdraw();
    });
  }
  // The operation has ended, or was never begun: listens no more. False: a request is still on its way, and goes on
  // with `w` when it comes. Before `w` is made ready or resumed.
  bool settle(stoppable_waiter& w) noexcept { return w.hears == stoppable_waiter::hearing::none || settle_heard(w); }
  // In withdraw: the operation has ended.
  void go_on_stopped(stoppable_waiter& w) {
    static_cast<void>(settle(w));  // the request has come
    resume(w.handle);
  }
  // In withdraw: there is no room to tell the kernel; in the next turn there is.
  void ask_again(stoppable_waiter& w) noexcept {
    w.request.posted = true;
    post(w.request);
  }
  // In the destructor of `w`. Its loop may be gone: who listens does so no more then.
  static void drop(event_loop& loop, stoppable_waiter& w) noexcept {
    if (w.hears != stoppable_waiter::hearing::none) loop.drop_listening(w);
  }
  // An operation was complete without the loop. True if the coroutine has had its share and shall let others run.
  bool had_its_share() noexcept { return ++direct_ > most_direct; }

 private:
  static constexpr unsigned most_direct = 64;

  struct sleep_awaiter : stoppable_waiter {
    using withdrawn_by_destruction [[maybe_unused]] = void;  // see sched/timeout.hpp
    event_loop& loop;
    deadline until;
    bool stopped = false;
    struct alarm_timer : timer {
      sleep_awaiter* owner;
      explicit alarm_timer(sleep_awaiter* o) noexcept : timer(&rings), owner(o) {}
      static void rings(timer& t) noexcept {
        sleep_awaiter& a = *static_cast<alarm_timer&>(t).owner;
        if (a.loop.settle(a)) a.loop.ready_.push_back(a);
      }
    } alarm{this};

    sleep_awaiter(event_loop& l, deadline d) noexcept : loop(l), until(d) {}
    sleep_awaiter(sleep_awaiter&& other) noexcept
        : stoppable_waiter(std::move(other)), loop(other.loop), until(other.until) {}
    ~sleep_awaiter() {
      drop(loop, *this);
      if (alarm.is_pending()) loop.wheel_.cancel(alarm);  // else the loop may be gone already
    }
    bool await_ready() const noexcept { return until.template has_passed<Clock>(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
      handle = h;
      if (!loop.listen(*this, stop_token_of(h))) return stopped = true, false;
      loop.wheel_.add(alarm, until);
      return true;
    }
    result<void> await_resume() const noexcept {
      if (stopped) return wait_stopped;
      return {};
    }
    void withdraw() noexcept {
      loop.wheel_.cancel(alarm);
      stopped = true;
      loop.go_on_stopped(*this);
    }
  };

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
    std::size_t handled = run_posted();
    if (!wheel_.empty()) handled += wheel_.advance(Clock::now());
    handled += run_all(ready_);
    handled += run_all(yielded_);
    // What those above have asked to stop, that it need not wait for another system call.
    if (!posted_.seems_empty()) handled += run_posted();
    return handled;
  }

  std::size_t run_posted() {
    std::size_t handled = 0;
    take_posted();
    while (work* const w = taken_) {
      taken_ = w->next;  // first: running it may end its life
      direct_ = 0;
      w->run(*w);
      ++handled;
    }
    return handled;
  }
  // Behind what was taken before and has not run.
  void take_posted() noexcept {
    work** end = &taken_;
    while (*end != nullptr) end = &(*end)->next;
    *end = posted_.take_all();
  }

  FRYS_NOINLINE bool listen_to(stoppable_waiter& w, stop_token token, work::function comes) noexcept {
    ::new (static_cast<void*>(&w.request)) stop_request(w, this, comes);
    w.hears = stoppable_waiter::hearing::listens;
    listening_.push_back(w);
    if (w.request.wait.begin(token, w.request, &send)) return true;
    w.stop_listening();
    return false;
  }
  // Any thread, once, from begin on.
  static stop_action send(void* asked) noexcept {
    stop_request& request = *static_cast<stop_request*>(asked);
    request.posted = true;
    static_cast<event_loop*>(request.loop)->post(request);
    return {};
  }
  // The request has come. True: too late, and who waited has gone on.
  FRYS_NOINLINE static bool has_ended(stop_request& come) noexcept {
    come.posted = false;
    if (!come.over) return false;
    stoppable_waiter& w = *come.of;
    event_loop& loop = *static_cast<event_loop*>(come.loop);
    w.stop_listening();
    loop.resume(w.handle);
    return true;
  }
  FRYS_NOINLINE static bool settle_heard(stoppable_waiter& w) noexcept {
    w.request.wait.end();
    w.request.over = w.request.posted;
    if (w.request.over) return false;
    w.stop_listening();
    return true;
  }
  FRYS_NOINLINE void drop_listening(stoppable_waiter& w) noexcept {
    w.request.wait.end();
    if (w.request.posted) {
      take_posted();
      work** at = &taken_;
      while (*at != &w.request) at = &(*at)->next;
      *at = w.request.next;
    }
    w.stop_listening();
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
  work* taken_ = nullptr;  // off posted_, oldest first, not run yet
  typename Atomics::template atomic<bool> stopping_{false};
  stop_node stop_work_{this};
  bool stopped_ = false;
  unsigned direct_ = 0;
  intrusive_list<loop_waiter> listening_;  // stoppable_waiters with a token, until they go on
  intrusive_list<loop_waiter> ready_;
  intrusive_list<loop_waiter> yielded_;
  timer_wheel<> wheel_;
  nanoseconds spin_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_IO_DETAIL_EVENT_LOOP_HPP
