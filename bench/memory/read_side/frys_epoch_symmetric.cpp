#include "workload.hpp"

#include <frys/memory/epoch_domain.hpp>

namespace {
using domain = frys::epoch_domain<frys::policy::fence<frys::fences::symmetric>>;
struct scheme {
  object o;
  std::atomic<object*> source{&o};
  domain d;
  domain::participant seat = *d.join();
  std::uint64_t read() { return seat.protect(source)->value; }
};
}  // namespace

BENCH_CONTENDER("frys epoch, symmetric") {
  static scheme s;
  return reads(settings, s);
}
