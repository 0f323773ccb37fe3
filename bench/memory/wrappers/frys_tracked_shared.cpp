#include "workload.hpp"

#include <frys/memory/tracked.hpp>

BENCH_CONTENDER("frys, tracked, atomics") {
  static frys::tracked<bare, frys::policy::atomics<frys::atomics::standard>> a;
  return churn(settings, a);
}
