// parker: lets one thread sleep until another one says go. One permit: an unpark before the park is not lost.
//
// Use when  each thread has its own place to sleep (a worker, a client of a server thread).
// Not when  several threads wait for one condition (eventcount).
// Roles     park, park_until: the owner thread only. unpark: any thread.
// Progress  unpark is wait-free; park blocks by its name, by policy::wait.
// Cost      unpark: one exchange, plus one system call if the owner sleeps. park with a permit: one exchange.
// Ordering  what a thread did before unpark happens-before what the owner does after the park that took the permit.
// Lifetime  destroy it when no thread can call it any more (hardened builds check that the owner is not parked).
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model               default atomics::standard
//   policy::wait<W>     how to wait                     default wait::spin_then_park
//   policy::clock<C>    the clock of the deadlines      default clocks::steady
#ifndef FRYS_CORE_PARKER_HPP
#define FRYS_CORE_PARKER_HPP

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
class parker {
  using accepted = policy::keys<policy::atomics_key, policy::wait_key, policy::clock_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::parker: unknown policy; it takes policy::atomics, policy::wait, policy::clock and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::parker: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using wait_type = typename policy::pick<policy::wait<wait::spin_then_park>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::parker: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(wait_policy<wait_type, atomics_type>,
                "frys::parker: policy::wait wants a wait policy, see core/wait.hpp");
  static_assert(clock_model<clock_type>, "frys::parker: policy::clock wants a type with a static now() in nanoseconds");

  parker() = default;
  parker(const parker&) = delete;
  parker& operator=(const parker&) = delete;
#if FRYS_HARDENED
  ~parker() {
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT(state_.load(std::memory_order_relaxed) != asleep, "parker: destroyed while its owner is parked");
  }
#endif

  // Owner only. Returns after an unpark that no earlier park took.
  void park() noexcept { (void)park_until(deadline::never()); }

  // Owner only. False if the deadline passed without an unpark.
  [[nodiscard]] bool park_until(deadline until) noexcept {
    for (;;) {
      std::uint32_t state = state_.load(std::memory_order_relaxed);  // relaxed: a look; the exchange below acquires
      if (state == permit) {
        // sync(parker.permit): acquire; what the unparker wrote before is visible here. An exchange, not a store: a
        // second unpark may have come since the look; its permit is taken too, so its writes must be visible too.
        // With a store the owner could look for work too early, sleep, and never be woken for it.
        state_.exchange(none, std::memory_order_acquire);
        return true;
      }
      if (state == none &&
          // relaxed: announces the sleep, publishes nothing; a lost race means that a permit came, seen in the next
          // round.
          !state_.compare_exchange_strong(state, asleep, std::memory_order_relaxed, std::memory_order_relaxed))
        continue;
      if (!wait_type::template wait<atomics_type, clock_type>(state_, asleep, until)) {
        // sync(parker.permit): acquire; a permit that came at the last moment counts.
        return state_.exchange(none, std::memory_order_acquire) == permit;
      }
    }
  }

  // Any thread. Gives the permit; a second one before the park has no further effect.
  void unpark() noexcept {
    // sync(parker.permit): release; pairs with park's acquire.
    const std::uint32_t before = state_.exchange(permit, std::memory_order_release);
    if constexpr (wait_type::sleeps)
      if (before == asleep) atomics_type::notify_one(state_);
  }

 private:
  static constexpr std::uint32_t none = 0, asleep = 1, permit = 2;
  typename atomics_type::template atomic<std::uint32_t> state_{none};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_PARKER_HPP
