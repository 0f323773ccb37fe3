#include "workload.hpp"

#include <mutex>
#include <shared_mutex>

namespace {
struct cell {
  mutable std::shared_mutex m;
  quad value;
  quad load() const {
    const std::shared_lock lock(m);
    return value;
  }
  void store(const quad& q) {
    const std::lock_guard lock(m);
    value = q;
  }
  direct<cell> reader() { return {this}; }
  direct<cell> writer() { return {this}; }
};
}  // namespace

BENCH_CONTENDER("shared_mutex") { return measure<cell>(settings); }
