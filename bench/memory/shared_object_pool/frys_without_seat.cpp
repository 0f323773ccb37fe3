// Objects end by pool.destroy, as on a thread that has no seat.
#include "workload.hpp"

#include <frys/memory/shared_object_pool.hpp>

namespace {
struct pool {
  frys::shared_object_pool<particle> p;
  struct seat {
    explicit seat(pool& of) : all(of), s(*of.p.join()) {}
    pool& all;
    frys::shared_object_pool<particle>::participant s;
    particle* make(std::uint64_t v) { return *s.create(v); }
    void drop(particle* x) { all.p.destroy(*x); }
  };
};
}  // namespace

BENCH_MEASURE("frys, ended without a seat", pool)
