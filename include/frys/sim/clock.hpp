// sim::clock: a clock that stands still until a test moves it, or, in a sim::run, until all of the run sleep.
//
// Use when  a block takes policy::clock and the test decides what time it is.
// Threads   one at a time. basic_clock<Tag> with a tag of your own is a clock apart from all others, and from runs.
// In a run  sim::clock is the run's clock (run.hpp): it starts at 0, moves by itself, and advance lets time pass for
// all.
#ifndef FRYS_SIM_CLOCK_HPP
#define FRYS_SIM_CLOCK_HPP

#include <type_traits>

#include "../config.hpp"
#include "../core/deadline.hpp"
#include "run/hooks.hpp"

namespace frys::inline FRYS_ABI::sim {

// A model of clock_model (core/clock.hpp).
template <class Tag = void>
class basic_clock {
 public:
  static nanoseconds now() noexcept {
    if (detail::run_hooks* r = its_run()) return r->look(*r);
    return now_;
  }
  // `by` is not negative: this clock never goes back.
  static void advance(nanoseconds by) noexcept {
    FRYS_ASSERT(by >= nanoseconds::zero(), "sim::clock::advance: time does not go back; use reset between tests");
    const nanoseconds here = now();
    advance_to(by > (nanoseconds::max)() - here ? (nanoseconds::max)() : here + by);
  }
  // To `at`, if that is later than now.
  static void advance_to(nanoseconds at) noexcept {
    if (detail::run_hooks* r = its_run())
      r->advance_to(*r, at);
    else if (at > now_)
      now_ = at;
  }
  // To the start, between tests.
  static void reset() noexcept { now_ = nanoseconds::zero(); }

 private:
  static detail::run_hooks* its_run() noexcept {
    if constexpr (std::is_void_v<Tag>)
      return detail::run_hooks::current();
    else
      return nullptr;
  }

  inline static nanoseconds now_ = nanoseconds::zero();
};
using clock = basic_clock<>;

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_CLOCK_HPP
