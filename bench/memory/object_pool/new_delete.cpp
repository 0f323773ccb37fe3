#include "workload.hpp"

namespace {
struct pool {
  particle* make(std::uint64_t v) { return new particle(v); }
  void drop(particle* x) { delete x; }
};
}  // namespace

BENCH_CONTENDER("new+delete") {
  static pool p;
  return churn(settings, p);
}
