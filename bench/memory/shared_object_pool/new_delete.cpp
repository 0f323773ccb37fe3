#include "workload.hpp"

namespace {
struct pool {
  struct seat {
    explicit seat(pool&) {}
    particle* make(std::uint64_t v) { return new particle(v); }
    void drop(particle* x) { delete x; }
  };
};
}  // namespace

BENCH_MEASURE("new+delete", pool)
