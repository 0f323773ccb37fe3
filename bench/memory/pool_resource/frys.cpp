#include <frys/memory/pool_resource.hpp>

#include "workload.hpp"

BENCH_CONTENDER("frys") {
  frys::pool_resource<> r;
  return measure(settings, r);
}
