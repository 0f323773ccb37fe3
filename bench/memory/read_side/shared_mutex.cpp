#include "workload.hpp"

#include <shared_mutex>

namespace {
struct scheme {
  std::shared_mutex m;
  object* o = new object;
  std::uint64_t read() {
    const std::shared_lock lock(m);
    return o->value;
  }
};
}  // namespace

BENCH_CONTENDER("std::shared_mutex") {
  static scheme s;
  return reads(settings, s);
}
