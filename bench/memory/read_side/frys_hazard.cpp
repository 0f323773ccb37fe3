#include "workload.hpp"

#include <frys/memory/hazard_domain.hpp>

namespace {
using domain = frys::hazard_domain<>;
struct scheme {
  object o;
  std::atomic<object*> source{&o};
  domain d;
  domain::participant seat = *d.join();
  std::uint64_t read() { return seat.protect(source)->value; }
};
}  // namespace

BENCH_CONTENDER("frys hazard") {
  static scheme s;
  return reads(settings, s);
}
