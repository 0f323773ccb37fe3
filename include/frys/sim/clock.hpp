// sim::clock: a clock that stands still until a test moves it.
//
// Use when  a block takes policy::clock and the test decides what time it is.
// Threads   one at a time. basic_clock<Tag> with a tag of your own is a clock apart from all others.
#ifndef FRYS_SIM_CLOCK_HPP
#define FRYS_SIM_CLOCK_HPP

#include "../config.hpp"
#include "../core/deadline.hpp"

namespace frys::inline FRYS_ABI::sim {

// A model of clock_model (core/clock.hpp).
template <class Tag = void>
class basic_clock {
 public:
  static nanoseconds now() noexcept { return now_; }
  // `by` is not negative: this clock never goes back.
  static void advance(nanoseconds by) noexcept {
    FRYS_ASSERT(by >= nanoseconds::zero(), "sim::clock::advance: time does not go back; use reset between tests");
    now_ = by > (nanoseconds::max)() - now_ ? (nanoseconds::max)() : now_ + by;
  }
  // To `at`, if that is later than now.
  static void advance_to(nanoseconds at) noexcept {
    if (at > now_) now_ = at;
  }
  // To the start, between tests.
  static void reset() noexcept { now_ = nanoseconds::zero(); }

 private:
  inline static nanoseconds now_ = nanoseconds::zero();
};
using clock = basic_clock<>;

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_CLOCK_HPP
