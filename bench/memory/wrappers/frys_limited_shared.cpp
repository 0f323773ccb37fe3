#include "workload.hpp"

#include <frys/memory/limited.hpp>

BENCH_CONTENDER("frys, limited, atomics") {
  static frys::limited<bare, 1 << 20, frys::policy::atomics<frys::atomics::standard>> a;
  return churn(settings, a);
}
