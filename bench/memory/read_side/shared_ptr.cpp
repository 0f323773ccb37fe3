#include "workload.hpp"

#include <memory>

namespace {
struct scheme {
  std::atomic<std::shared_ptr<object>> o{std::make_shared<object>()};
  std::uint64_t read() { return o.load(std::memory_order_acquire)->value; }
};
}  // namespace

BENCH_CONTENDER("atomic<shared_ptr>") {
  static scheme s;
  return reads(settings, s);
}
