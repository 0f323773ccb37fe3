#include "workload.hpp"

#include <frys/core/tsc_clock.hpp>

BENCH_CONTENDER("frys") {
  while (frys::tsc_clock::is_hardware() && !frys::tsc_clock::is_calibrated()) (void)frys::tsc_clock::now();
  return ask(settings, "now", [] { return static_cast<std::uint64_t>(frys::tsc_clock::now().count()); });
}
