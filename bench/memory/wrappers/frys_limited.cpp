#include "workload.hpp"

#include <frys/memory/limited.hpp>

BENCH_CONTENDER("frys, limited") {
  static frys::limited<bare, 1 << 20> a;
  return churn(settings, a);
}
