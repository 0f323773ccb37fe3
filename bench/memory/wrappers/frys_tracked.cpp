#include "workload.hpp"

#include <frys/memory/tracked.hpp>

BENCH_CONTENDER("frys, tracked") {
  static frys::tracked<bare> a;
  return churn(settings, a);
}
