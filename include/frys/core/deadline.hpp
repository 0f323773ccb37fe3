// deadline: a point in time by which something must have happened, or never.
#ifndef FRYS_CORE_DEADLINE_HPP
#define FRYS_CORE_DEADLINE_HPP

#include <chrono>
#include <compare>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

using std::chrono::nanoseconds;

// `at` counts from the epoch of the clock that the waiting block uses (policy::clock; by default CLOCK_MONOTONIC).
struct deadline {
  nanoseconds at = (nanoseconds::max)();

  static constexpr deadline never() noexcept { return {}; }
  static constexpr deadline now() noexcept { return {(nanoseconds::min)()}; }  // has passed already: only try
  // `delay` from now on clock C; a delay too long to count is never, a negative one has passed.
  template <class C>
  static deadline after(nanoseconds delay) noexcept {
    const nanoseconds start = C::now();
    if (delay.count() > 0 && start > (nanoseconds::max)() - delay) return never();
    if (delay.count() < 0 && start < (nanoseconds::min)() - delay) return now();
    return {start + delay};
  }
  constexpr bool is_never() const noexcept { return at == (nanoseconds::max)(); }
  template <class C>
  bool has_passed() const noexcept {
    return !is_never() && C::now() >= at;
  }
  friend constexpr auto operator<=>(const deadline&, const deadline&) noexcept = default;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_DEADLINE_HPP
