#include "workload.hpp"

#include <frys/memory/epoch_domain.hpp>

namespace {
using domain = frys::epoch_domain<>;
struct scheme {
  domain d;
  domain::participant seat = *d.join();
  domain::participant idle = *d.join();
  void retire(void* object) { bench::check(seat.retire(object, &count_one), "there is room"); }
  void finish() { seat.quiesce(); }
};
}  // namespace

BENCH_CONTENDER("frys epoch") {
  static scheme s;
  return retires(settings, s);
}
