#include "workload.hpp"

#include <frys/core/counter.hpp>

BENCH_CONTENDER("frys") {
  static frys::counter c;
  c.set(0);
  return count_events(
      settings, [] { c.add(); }, [] { return c.value(); });
}
