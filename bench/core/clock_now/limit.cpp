#include "workload.hpp"

#include <frys/core/tsc_clock.hpp>

// The counter alone.
BENCH_CONTENDER("limit") {
  return ask(settings, "counter", [] { return frys::cycle_counter::ticks(); });
}
BENCH_LIMIT(dependent_add)
