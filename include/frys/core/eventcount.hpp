// eventcount: turns "try again" of any lock-free structure into "sleep until it is worth trying again".
//
// Use when  several threads wait for a condition that other threads make true without a lock.
// Not when  exactly one thread waits (parker).
// Roles     any thread may wait, any thread may notify.
// Progress  notify is wait-free; waiting blocks by its name, by policy::wait.
// Cost      notify without a waiter: one fence and one load, no write. With one: a read-modify-write and a system call.
// Ordering  what a thread did before notify happens-before what a waiter does after the commit_wait it ended.
// Lifetime  destroy it when no thread can call it any more, and none waits (hardened builds check).
//
//   for (;;) {                                       // the waiter
//     if (queue.try_pop(job)) break;
//     auto key = ec.prepare_wait();
//     if (queue.try_pop(job)) { ec.cancel_wait(); break; }   // looks again: the push may have come in between
//     ec.commit_wait(key);
//   }
//   queue.try_push(job); ec.notify_one();            // the notifier
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model               default atomics::standard
//   policy::wait<W>     how to wait                     default wait::spin_then_park
//   policy::clock<C>    the clock of the deadlines      default clocks::steady
// Source    D. Vyukov, "Simple eventcounts", 2008; the fence placement follows Dekker's mutual exclusion.
#ifndef FRYS_CORE_EVENTCOUNT_HPP
#define FRYS_CORE_EVENTCOUNT_HPP

#include <atomic>
#include <cstdint>

#include "../config.hpp"
#include "../policy.hpp"
#include "atomics.hpp"
#include "clock.hpp"
#include "deadline.hpp"
#include "wait.hpp"

namespace frys::inline FRYS_ABI {

template <class... Policies>
class eventcount {
  using accepted = policy::keys<policy::atomics_key, policy::wait_key, policy::clock_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::eventcount: unknown policy; it takes policy::atomics, policy::wait, policy::clock and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::eventcount: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::eventcount: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::eventcount: policy::wait wants a wait policy, see core/wait.hpp");
  static_assert(clock_model<clock_type>,
                "frys::eventcount: policy::clock wants a type with a static now() in nanoseconds");

  // What prepare_wait saw; good for one commit_wait.
  class key {
    friend eventcount;
    explicit key(std::uint32_t epoch) noexcept : epoch_(epoch) {}
    std::uint32_t epoch_;
  };

  eventcount() = default;
  eventcount(const eventcount&) = delete;
  eventcount& operator=(const eventcount&) = delete;
#if FRYS_HARDENED
  ~eventcount() {
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT(waiters_.load(std::memory_order_relaxed) == 0, "eventcount: destroyed while a thread waits for it");
  }
#endif

  // Announces that this thread is about to wait. Look at the condition once more after it, then commit or cancel.
  [[nodiscard]] key prepare_wait() noexcept {
    waiters_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the fence below orders it
    // sync(eventcount.dekker): seq_cst; either our look at the condition sees the notifier's change, or its look at
    // waiters_ sees us. With anything weaker both can miss, and the wake-up is lost.
    atomics_type::fence(std::memory_order_seq_cst);
    // sync(eventcount.epoch): acquire; pairs with notify's release.
    return key(epoch_.load(std::memory_order_acquire));
  }
  void cancel_wait() noexcept {
    waiters_.fetch_sub(1, std::memory_order_relaxed);
  }  // relaxed: it only stops counting us

  // Sleeps until a notify that came after `from` was prepared; may return early for no reason.
  void commit_wait(key from) noexcept { (void)commit_wait_until(from, deadline::never()); }
  // False if the deadline passed first.
  [[nodiscard]] bool commit_wait_until(key from, deadline until) noexcept {
    // One sleep, no loop: a thread that was woken although its epoch stands may hold the wake-up of another one, and
    // must look at the condition for it.
    // relaxed: the second load sees whatever this one has seen.
    const bool in_time = epoch_.load(std::memory_order_relaxed) != from.epoch_ ||
                         wait_type::template wait<atomics_type, clock_type>(epoch_, from.epoch_, until);
    // sync(eventcount.epoch): acquire; what the notifier did before is visible to the waiter.
    const bool notified = epoch_.load(std::memory_order_acquire) != from.epoch_;
    waiters_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: it only stops counting us
    return in_time || notified;
  }

  // Wakes at least one thread that waits for what changed before this call, if there is one.
  void notify_one() noexcept {
    if (!announce()) return;
    if constexpr (wait_type::sleeps) atomics_type::notify_one(epoch_);
  }
  // Wakes all of them.
  void notify_all() noexcept {
    if (!announce()) return;
    if constexpr (wait_type::sleeps) atomics_type::notify_all(epoch_);
  }

  // Returns once `condition()` answers true; it is called by this thread only, and any number of times.
  template <class Condition>
  void await(Condition&& condition) {
    while (!condition()) {
      const key from = prepare_wait();
      if (condition()) return cancel_wait();
      commit_wait(from);
    }
  }
  // Answers the last condition() seen; false after the deadline.
  template <class Condition>
  [[nodiscard]] bool await_until(Condition&& condition, deadline until) {
    while (!condition()) {
      const key from = prepare_wait();
      if (condition()) return cancel_wait(), true;
      if (!commit_wait_until(from, until)) return condition();
    }
    return true;
  }

 private:
  bool announce() noexcept {
    // sync(eventcount.dekker): seq_cst; the notifier's half, see prepare_wait.
    atomics_type::fence(std::memory_order_seq_cst);
    if (waiters_.load(std::memory_order_relaxed) == 0) return false;  // relaxed: the fence above ordered it
    // sync(eventcount.epoch): release; a waiter that sees the new epoch sees the condition's change. The fence above
    // would do, but ThreadSanitizer does not see fences.
    epoch_.fetch_add(1, std::memory_order_release);
    return true;
  }

  typename atomics_type::template atomic<std::uint32_t> epoch_{0};  // wraps; 2^32 notifies during one look are excluded
  typename atomics_type::template atomic<std::uint32_t> waiters_{0};  // threads between prepare and the end of waiting
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_EVENTCOUNT_HPP
