#include "workload.hpp"

#include <frys/memory/shared_object_pool.hpp>

namespace {
struct pool {
  frys::shared_object_pool<particle> p;
  struct seat {
    explicit seat(pool& all) : s(*all.p.join()) {}
    frys::shared_object_pool<particle>::participant s;
    particle* make(std::uint64_t v) { return *s.create(v); }
    void drop(particle* x) { s.destroy(*x); }
  };
};
}  // namespace

BENCH_MEASURE("frys", pool)
