#include "workload.hpp"

#include <frys/memory/fallback.hpp>

BENCH_CONTENDER("frys, fallback to malloc") {
  static frys::fallback<bare, frys::system_allocator> a;
  return churn(settings, a);
}
