#include "workload.hpp"

#include <frys/memory/tracked.hpp>

BENCH_CONTENDER("frys, tracked, tags") {
  static frys::tracked<frys::block_pool<80>, frys::policy::tags<16>> a;
  return churn(settings, a);
}
