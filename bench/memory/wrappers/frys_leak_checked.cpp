#include "workload.hpp"

#include <frys/memory/leak_checked.hpp>

BENCH_CONTENDER("frys, leak_checked") {
  static frys::leak_checked<bare> a;
  return churn(settings, a);
}
