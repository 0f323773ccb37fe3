#include "workload.hpp"

#include <frys/memory/qsbr_domain.hpp>

namespace {
using domain = frys::qsbr_domain<>;
struct scheme {
  object o;
  std::atomic<object*> source{&o};
  domain d;
  domain::participant seat = *d.join();
  std::uint64_t read() {
    const std::uint64_t v = seat.protect(source)->value;
    seat.quiesce();  // after each read, which is more than a loop would do
    return v;
  }
};
}  // namespace

BENCH_CONTENDER("frys qsbr") {
  static scheme s;
  return reads(settings, s);
}
