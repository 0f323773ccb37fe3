#include "workload.hpp"

#include <mutex>

namespace {
struct scheme {
  std::mutex m;
  object* o = new object;
  std::uint64_t read() {
    const std::lock_guard lock(m);
    return o->value;
  }
};
}  // namespace

BENCH_CONTENDER("std::mutex") {
  static scheme s;
  return reads(settings, s);
}
