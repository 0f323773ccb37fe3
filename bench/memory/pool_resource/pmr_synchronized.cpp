#include "workload.hpp"

BENCH_CONTENDER("std::pmr::synchronized_pool") {
  std::pmr::synchronized_pool_resource r;
  return measure(settings, r);
}
