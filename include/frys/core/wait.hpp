// wait: how a thread waits, as a policy. It decides most latency figures: a wake across cores costs 15-25 us, a spin
// 0.2.
//
// spin            burns the core until the word changes              fastest; the core must be yours
// yield           gives the core to others between looks             shared cores, short waits
// park            sleeps in the kernel at once (a futex on Linux)    silent when idle
// spin_then_park  looks for a while, then sleeps     the default: fast when busy, silent when idle
//
// A policy W has a static template wait<A>(word, old, until): true once `word` differs from `old` or on any wake-up,
// false when the deadline has passed; and `sleeps`, which tells notifiers whether anybody can be asleep. It orders
// nothing: the caller looks at the word again, with acquire, before it uses what a notifier has published. The clock of
// deadlines is the caller's.
// It may have a spin_budget and a yield_budget: how often a block looks at what it waits for itself, with a pause or a
// yield before each look, before it counts as a waiter, whom notifiers must tell (blocking does). None: not at all.
#ifndef FRYS_CORE_WAIT_HPP
#define FRYS_CORE_WAIT_HPP

#include <concepts>
#include <cstdint>

#include "../config.hpp"
#include "atomics.hpp"
#include "clock.hpp"
#include "deadline.hpp"
#include "os_thread.hpp"

namespace frys::inline FRYS_ABI {

namespace wait {

namespace detail {
// Looks `rounds` times, pausing in between, and not behind the last look: who sleeps then has waited enough, and to a
// model checker a pause is the end of waiting. True once the word differs.
template <class A, class Word>
bool looks(const Word& word, std::uint32_t old, unsigned rounds) noexcept {
  for (unsigned i = 0; i < rounds; ++i) {
    if (i != 0) A::pause();
    if (word.load(std::memory_order_relaxed) != old) return true;  // relaxed: the caller looks again, and orders
  }
  return false;
}

// Sleeps by the model's wait. The machine's sleeps end by clocks::steady; a deadline of another clock is carried over,
// and where that clock has not got there when the sleep ends, the caller looks again.
template <class A, class C, class Word>
bool sleeps_until(const Word& word, std::uint32_t old, deadline until) noexcept {
  if constexpr (!std::derived_from<A, atomics::real> || std::same_as<C, clocks::steady>) {
    return A::wait(word, old, until);
  } else {
    if (until.is_never()) return A::wait(word, old, until);
    if (until.has_passed<C>()) return word.load(std::memory_order_relaxed) != old;  // relaxed: as in looks
    const nanoseconds here = C::now();
    const deadline there = until.at > here ? deadline::after<clocks::steady>(until.at - here) : deadline::now();
    return A::wait(word, old, there) || !until.has_passed<C>();
  }
}

template <class W>
constexpr unsigned spin_budget() noexcept {
  if constexpr (requires { W::spin_budget; })
    return W::spin_budget;
  else
    return 0;
}
template <class W>
constexpr unsigned yield_budget() noexcept {
  if constexpr (requires { W::yield_budget; })
    return W::yield_budget;
  else
    return 0;
}

// Spends the budgets of W. True once `look` answered true; false at their end, or when the deadline has passed. A model
// of the atomics without `rest`, such as the checker's, has no "for a while": there they are 0.
template <class W, class A, class C, class Look>
bool spend_budgets(Look& look, deadline until) noexcept {
  if constexpr (requires { A::rest(1u); }) {
    for (unsigned i = 0; i < spin_budget<W>() && !until.has_passed<C>(); ++i) {
      A::rest(1);
      if (look()) return true;
    }
    for (unsigned i = 0; i < yield_budget<W>() && !until.has_passed<C>(); ++i) {
      os_thread::yield();
      if (look()) return true;
    }
  }
  return false;
}
}  // namespace detail

struct spin {
  static constexpr bool sleeps = false;
  static constexpr unsigned spin_budget = 64;
  template <class A, class C = clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    while (!detail::looks<A>(word, old, 64)) {
      if (until.has_passed<C>()) return false;
      A::pause();
    }
    return true;
  }
};

struct yield {
  static constexpr bool sleeps = false;
  static constexpr unsigned spin_budget = 16, yield_budget = 16;
  template <class A, class C = clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    while (!detail::looks<A>(word, old, 4)) {
      if (until.has_passed<C>()) return false;
      os_thread::yield();
    }
    return true;
  }
};

struct park {
  static constexpr bool sleeps = true;
  template <class A, class C = clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    if (detail::looks<A>(word, old, 1)) return true;
    return detail::sleeps_until<A, C>(word, old, until);
  }
};

// Spins `Looks` times (one is some 20-60 ns with its pause), then sleeps.
template <unsigned Looks = 200>
struct basic_spin_then_park {
  static constexpr bool sleeps = true;
  static constexpr unsigned spin_budget = Looks < 64 ? Looks : 64, yield_budget = Looks == 0 ? 0 : 8;
  template <class A, class C = clocks::steady, class Word>
  static bool wait(const Word& word, std::uint32_t old, deadline until) noexcept {
    if (detail::looks<A>(word, old, Looks)) return true;
    return detail::sleeps_until<A, C>(word, old, until);
  }
};
using spin_then_park = basic_spin_then_park<>;

}  // namespace wait

// A model for policy::wait.
template <class W, class A = atomics::standard>
concept wait_policy = requires(const typename A::template atomic<std::uint32_t>& word, std::uint32_t old, deadline d) {
  { W::sleeps } -> std::convertible_to<bool>;
  { W::template wait<A>(word, old, d) } -> std::same_as<bool>;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_WAIT_HPP
