#include "workload.hpp"

#include <memory_resource>

namespace {
struct pool {
  std::pmr::unsynchronized_pool_resource r;
  particle* make(std::uint64_t v) { return new (r.allocate(sizeof(particle), alignof(particle))) particle(v); }
  void drop(particle* x) { r.deallocate(x, sizeof(particle), alignof(particle)); }
};
}  // namespace

BENCH_CONTENDER("std::pmr::pool") {
  static pool p;
  return churn(settings, p);
}
