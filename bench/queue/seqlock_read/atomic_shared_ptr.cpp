#include "workload.hpp"

#include <memory>

namespace {
struct cell {
  std::atomic<std::shared_ptr<const quad>> value{std::make_shared<const quad>()};
  quad load() const { return *value.load(std::memory_order_acquire); }
  void store(const quad& q) { value.store(std::make_shared<const quad>(q), std::memory_order_release); }
  direct<cell> reader() { return {this}; }
  direct<cell> writer() { return {this}; }
};
}  // namespace

BENCH_CONTENDER("atomic<shared_ptr>") { return measure<cell>(settings); }
