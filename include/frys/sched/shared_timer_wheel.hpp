// shared_timer_wheel: the timers of one worker, which any thread may set and cancel.
//
// Use when  a loop fires timers that other threads set (a deadline for work that was posted here) or withdraw.
// Not when  only the loop's own thread sets and cancels (timer_wheel, which this one contains for that).
// Roles     add and cancel of a shared_timer: any thread. All else: the owner, the thread that calls advance.
// Progress  add and cancel are wait-free, but for what `wake` does. The owner waits for nobody.
// Cost      add from elsewhere: two exchanges' worth, a fence, and `wake` where the owner would sleep too long. cancel:
//           one or two read-modify-writes. The owner: one when it takes the timer in and one when it fires; its own
//           plain timers cost no read-modify-write at all. No allocation.
// Ordering  as timer_wheel. What a thread did before add happens-before fire, what it did before a cancel that answered
//           true happens-before released.
// Lifetime  who holds a timer decides who may free it. From add on the wheel does, until it calls, on the owner's
//           thread, fire, or, when a cancel has prevented that, released. In both the timer is yours again: free it,
//           add it again. Without a `released` look at is_held() after a cancel that answered true. Whoever may still
//           call cancel keeps the timer alive: count its owners (memory/intrusive_ptr.hpp), one for the wheel, or let
//           each timer be cancelled by one thread, which frees it after a cancel that answered false and a word from
//           fire. The wheel dies on the owner's thread when no other thread can call it; it releases what it holds.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>   the atomics model (with atomic_ref)                     default atomics::standard
//   policy::capacity<N>  slots of the first level, as timer_wheel's              default 512
//   policy::clock<C>     what advance() and add_after ask for the time           default clocks::steady
#ifndef FRYS_SCHED_SHARED_TIMER_WHEEL_HPP
#define FRYS_SCHED_SHARED_TIMER_WHEEL_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../core/clock.hpp"
#include "../core/deadline.hpp"
#include "../policy.hpp"
#include "../queue/intrusive_mpsc_queue.hpp"
#include "timer_wheel.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class shared_timer_wheel;

namespace detail {
struct posted_timer {
  posted_timer* next = nullptr;
};
}  // namespace detail

// Derive from it or hold it. See Lifetime above.
template <class Atomics = atomics::standard>
class basic_shared_timer : private timer, private detail::posted_timer {
 public:
  using function = void (*)(basic_shared_timer&) noexcept;

  explicit basic_shared_timer(function on_fire = nullptr, function on_released = nullptr) noexcept
      : timer(&rings), fire(on_fire), released(on_released) {}
  basic_shared_timer(const basic_shared_timer&) = delete;
  basic_shared_timer& operator=(const basic_shared_timer&) = delete;
#if FRYS_HARDENED
  ~basic_shared_timer() { FRYS_ASSERT(!is_held(), "shared_timer: it died while a wheel holds it"); }
#endif

  // Any thread. False: the wheel does not hold it (any more); fire may be running still.
  [[nodiscard]] bool is_held() const noexcept {
    // sync(shared_timer.released): acquire; the owner's last touch of the timer comes before what the caller does next.
    return state_.load(std::memory_order_acquire) != idle;
  }

  function fire;      // called by the owner when it is due
  function released;  // called by the owner when a cancel has prevented that; may be null

 private:
  template <class...>
  friend class shared_timer_wheel;
  // posted: in the inbox, to be taken in. armed: in the wheel. cancelled: it will not fire; it stands in the inbox, or
  // will, and until the owner finds it there the wheel holds it.
  enum : std::uint32_t { idle, posted, armed, cancelled };

  static void rings(timer& t) noexcept {
    auto& self = static_cast<basic_shared_timer&>(t);
    std::uint32_t s = armed;
    // relaxed, both: one of firing and cancelling wins; what the timer needs came through the inbox. If it is cancelled
    // it comes through the inbox once more.
    if (self.state_.compare_exchange_strong(s, idle, std::memory_order_relaxed, std::memory_order_relaxed))
      self.fire(self);
  }

  typename Atomics::template var<nanoseconds> at_{};
  typename Atomics::template atomic<std::uint32_t> state_{idle};
};
using shared_timer = basic_shared_timer<>;

// How to end the owner's sleep, from any thread.
struct timer_wake {
  void (*call)(void*) noexcept = nullptr;
  void* argument = nullptr;
};

template <class... Policies>
class shared_timer_wheel {
  using accepted = policy::keys<policy::atomics_key, policy::capacity_key, policy::clock_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::shared_timer_wheel: unknown policy; it takes policy::atomics, policy::capacity, policy::clock "
                "and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::shared_timer_wheel: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::shared_timer_wheel: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(clock_model<clock_type>,
                "frys::shared_timer_wheel: policy::clock wants a type with a static now() in nanoseconds");
  using timer_type = basic_shared_timer<atomics_type>;
  using wheel_type =
      timer_wheel<policy::capacity<policy::pick<policy::capacity<512>, Policies...>::value>, policy::clock<clock_type>>;

  explicit shared_timer_wheel(timer_wake wake = {}, nanoseconds now = nanoseconds{0},
                              nanoseconds tick = nanoseconds{1'000'000}) noexcept
      : wake_(wake), wheel_(now, tick) {}
  shared_timer_wheel(const shared_timer_wheel&) = delete;
  shared_timer_wheel& operator=(const shared_timer_wheel&) = delete;
  ~shared_timer_wheel() {
    collect();
    wheel_.clear([](timer& t) {
      if (t.fire == &timer_type::rings) let_go(static_cast<timer_type&>(t));
    });
  }

  // Any thread; `t` is held by no wheel, and the caller may touch it. It fires in the first advance that reaches `at`.
  void add(timer_type& t, nanoseconds at) noexcept {
    FRYS_ASSERT(!t.is_held(), "shared_timer_wheel::add: a wheel holds the timer already");
    FRYS_ASSERT(t.fire != nullptr, "shared_timer_wheel::add: the timer has no function");
    t.at_.ref() = at;
    // relaxed: the owner finds it through the inbox; who shall cancel it has been told of it after this.
    t.state_.store(timer_type::posted, std::memory_order_relaxed);
    inbox_.push(t);
    // From here on the timer may be gone.
    // sync(shared_timer_wheel.dekker): seq_cst; either the owner's look at the inbox finds the timer, or we see how
    // long it means to sleep. With anything weaker both can miss, and the timer fires late.
    atomics_type::fence(std::memory_order_seq_cst);
    std::int64_t until = asleep_until_.load(std::memory_order_relaxed);  // relaxed: the fence above orders it
    while (at.count() < until) {
      // relaxed, both: the owner will look at the inbox. Lowered, so that later ones which are due later wake nobody.
      if (asleep_until_.compare_exchange_weak(until, at.count(), std::memory_order_relaxed,
                                              std::memory_order_relaxed)) {
        if (wake_.call != nullptr) wake_.call(wake_.argument);
        break;
      }
    }
  }
  void add(timer_type& t, deadline at) noexcept { add(t, at.at); }
  // `delay` from now on, by policy::clock.
  void add_after(timer_type& t, nanoseconds delay) noexcept { add(t, deadline::after<clock_type>(delay)); }

  // Any thread that knows the timer to be alive. True: it would have fired, and will not; the owner lets go of it in
  // one of its next turns. False: it has fired, is firing, was cancelled before, or was never set.
  bool cancel(timer_type& t) noexcept {
    // relaxed: a look
    std::uint32_t s = t.state_.load(std::memory_order_relaxed);
    for (;;) {
      if (s != timer_type::posted && s != timer_type::armed) return false;
      const bool armed = s == timer_type::armed;
      // sync(shared_timer.cancel): release; what we did before comes before released. acquire: the owner has taken it
      // out of the inbox before we put it there again. relaxed when it fails: it was a look.
      if (!t.state_.compare_exchange_weak(s, timer_type::cancelled, std::memory_order_acq_rel,
                                          std::memory_order_relaxed))
        continue;
      if (armed) inbox_.push(t);  // else it stands there already, and may be gone
      return true;
    }
  }

  // Owner only. As cancel, and the wheel holds it no longer: no released is called.
  bool cancel_here(timer_type& t) noexcept {
    // relaxed: a look; if it is posted, by whoever told us of it
    if (t.state_.load(std::memory_order_relaxed) == timer_type::posted) collect();
    std::uint32_t s = timer_type::armed;
    // relaxed, both: as in rings
    if (!t.state_.compare_exchange_strong(s, timer_type::idle, std::memory_order_relaxed, std::memory_order_relaxed))
      return false;
    wheel_.cancel(t);
    return true;
  }

  // Owner only: its own plain timers, which no other thread touches.
  void add(timer& t, nanoseconds at) noexcept { wheel_.add(t, at); }
  void add(timer& t, deadline at) noexcept { wheel_.add(t, at); }
  bool cancel(timer& t) noexcept { return wheel_.cancel(t); }

  // Owner only. Takes in what other threads have set and cancelled, and fires what is due; answers how many came due.
  std::size_t advance(nanoseconds now) noexcept {
    asleep_until_.store(awake, std::memory_order_relaxed);  // relaxed: who sees the old value wakes us once too often
    collect();
    return wheel_.advance(now);
  }
  std::size_t advance() noexcept { return advance(clock_type::now()); }

  // Owner only. How long it may sleep; until its next advance an earlier timer of another thread calls `wake`. What
  // came in at the last moment is told by deadline::now().
  [[nodiscard]] deadline prepare_sleep() noexcept {
    collect();
    const deadline until = wheel_.next_deadline();
    asleep_until_.store(until.at.count(), std::memory_order_relaxed);  // relaxed: the fence orders it
    // sync(shared_timer_wheel.dekker): seq_cst; the owner's half, see add.
    atomics_type::fence(std::memory_order_seq_cst);
    if (inbox_.empty()) return until;
    asleep_until_.store(awake, std::memory_order_relaxed);  // relaxed: as in advance
    return deadline::now();
  }

  // Owner only.
  [[nodiscard]] bool empty() const noexcept { return wheel_.empty() && inbox_.empty(); }

 private:
  using link = detail::posted_timer;
  static constexpr std::int64_t awake = (nanoseconds::min)().count();

  void collect() noexcept {
    while (link* const l = inbox_.pop()) {
      auto& t = static_cast<timer_type&>(*l);
      std::uint32_t s = timer_type::posted;
      // sync(shared_timer.cancel): release; we have done with the inbox before a cancel posts it there again. acquire:
      // what was done before the cancel comes before released.
      if (t.state_.compare_exchange_strong(s, timer_type::armed, std::memory_order_release,
                                           std::memory_order_acquire)) {
        wheel_.add(static_cast<timer&>(t), t.at_.get());
      } else {
        wheel_.cancel(t);
        let_go(t);
      }
    }
  }
  static void let_go(timer_type& t) noexcept {
    const typename timer_type::function released = t.released;
    // sync(shared_timer.released): release; our last touch, unless there is a function to call.
    t.state_.store(timer_type::idle, std::memory_order_release);
    if (released != nullptr) released(t);
  }

  timer_wake wake_;
  wheel_type wheel_;
  intrusive_mpsc_queue<link, policy::atomics<atomics_type>> inbox_;
  // Until when the owner means to sleep; `awake` while it does not.
  alignas(cache_line) typename atomics_type::template atomic<std::int64_t> asleep_until_{awake};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_SHARED_TIMER_WHEEL_HPP
