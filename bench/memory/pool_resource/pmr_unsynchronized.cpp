#include "workload.hpp"

BENCH_CONTENDER("std::pmr::unsynchronized_pool") {
  std::pmr::unsynchronized_pool_resource r;
  return measure(settings, r);
}
