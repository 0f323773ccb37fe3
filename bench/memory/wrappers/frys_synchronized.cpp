#include "workload.hpp"

#include <frys/memory/synchronized.hpp>

BENCH_CONTENDER("frys, synchronized") {
  static frys::synchronized<bare> a;
  return churn(settings, a);
}
