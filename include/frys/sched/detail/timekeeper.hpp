// timekeeper: which of a pool's sleeping workers sleeps only until the next timer, so that all others sleep for good.
//
// Of those who sleep the highest keeps the time: the lowest is woken first for work, so the keeper is left alone
// longest. Who sets a timer that is due before the keeper's waking tells it; who gets up and leaves nobody to keep the
// time, while others sleep and timers are set, wakes one of them.
//
// A timer stands in what earliest() answers before `set` is called for it; a sleeper's mark stands before lie_down and
// is gone before get_up. Each of the three fences between what it has written and what it looks at, so of two that
// overlap one sees the other.
#ifndef FRYS_SCHED_DETAIL_TIMEKEEPER_HPP
#define FRYS_SCHED_DETAIL_TIMEKEEPER_HPP

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/deadline.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class Atomics>
class timekeeper {
 public:
  static constexpr unsigned nobody = ~0u;
  // Of each worker: until when it means to sleep. Not one for all: who takes over and who it takes over from may write
  // at a time.
  using bed = typename Atomics::template atomic<std::int64_t>;

  // Worker i is about to sleep; `takes_over`: from a lower one that does. Until when; never: another keeps the time.
  template <class Earliest>
  [[nodiscard]] deadline lie_down(unsigned i, bed& until, bool takes_over, Earliest&& earliest) noexcept {
    // sync(timekeeper.dekker): seq_cst; our mark stands before we look who keeps the time.
    Atomics::fence(std::memory_order_seq_cst);
    unsigned keeper =
        keeper_.load(std::memory_order_relaxed);  // relaxed, all here: behind the fence, or before the next
    do {
      if (keeper != nobody && keeper != i && (keeper > i || !takes_over)) return deadline::never();
    } while (keeper != i &&
             !keeper_.compare_exchange_weak(keeper, i, std::memory_order_relaxed, std::memory_order_relaxed));
    const nanoseconds first = earliest();
    until.store(first.count(), std::memory_order_relaxed);
    // sync(timekeeper.dekker): seq_cst; who sets a timer behind our look sees until when we sleep.
    Atomics::fence(std::memory_order_seq_cst);
    return {(std::min)(first, earliest())};
  }
  // Worker i has got up. True: one who sleeps must be woken, for nobody keeps the time.
  template <class Earliest>
  [[nodiscard]] bool get_up(unsigned i, Earliest&& earliest) noexcept {
    unsigned keeper = i;
    // relaxed, both: behind the fence it counts
    if (keeper_.load(std::memory_order_relaxed) == i)
      (void)keeper_.compare_exchange_strong(keeper, nobody, std::memory_order_relaxed, std::memory_order_relaxed);
    // sync(timekeeper.dekker): seq_cst; who sets a timer, or lies down, behind our looks finds nobody keeping the time.
    Atomics::fence(std::memory_order_seq_cst);
    return keeper_.load(std::memory_order_relaxed) == nobody && earliest() != (nanoseconds::max)();
  }

  static constexpr unsigned no_need = ~0u - 1;
  // A timer has been set for `at`; bed_of(i) answers worker i's. Whom to wake; nobody: some sleeper, if there is one;
  // no_need.
  template <class BedOf>
  [[nodiscard]] unsigned set(nanoseconds at, BedOf&& bed_of) noexcept {
    // sync(timekeeper.dekker): seq_cst; the timer stands before we look who sleeps how long.
    Atomics::fence(std::memory_order_seq_cst);
    const unsigned keeper = keeper_.load(std::memory_order_relaxed);  // relaxed, all: behind the fence
    if (keeper == nobody) return nobody;
    bed& its = bed_of(keeper);
    std::int64_t until = its.load(std::memory_order_relaxed);
    // Lowered, so that later ones, which are due later, wake nobody.
    while (at.count() < until)
      if (its.compare_exchange_weak(until, at.count(), std::memory_order_relaxed, std::memory_order_relaxed))
        return keeper;
    return no_need;
  }

 private:
  alignas(cache_line) typename Atomics::template atomic<unsigned> keeper_{nobody};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_TIMEKEEPER_HPP
