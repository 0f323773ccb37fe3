#include "workload.hpp"

#include <frys/memory/hardened.hpp>

BENCH_CONTENDER("frys, hardened") {
  static frys::hardened<frys::block_pool<96>> a;
  return churn(settings, a);
}
