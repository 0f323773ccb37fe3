#include "workload.hpp"

#include <frys/memory/object_pool.hpp>

namespace {
struct pool {
  frys::object_pool<particle> p;
  particle* make(std::uint64_t v) { return *p.create(v); }
  void drop(particle* x) { p.destroy(*x); }
};
}  // namespace

BENCH_CONTENDER("frys") {
  static pool p;
  return churn(settings, p);
}
