#include "workload.hpp"

#include <frys/memory/hazard_domain.hpp>

namespace {
using domain = frys::hazard_domain<frys::policy::fence<frys::fences::symmetric>>;
struct scheme {
  domain d;
  domain::participant seat = *d.join();
  domain::participant idle = *d.join();
  void retire(void* object) { bench::check(seat.retire(object, &count_one), "there is room"); }
  void finish() { seat.quiesce(); }
};
}  // namespace

BENCH_CONTENDER("frys hazard, symmetric") {
  static scheme s;
  return retires(settings, s);
}
