#include "workload.hpp"

#include <atomic>

BENCH_CONTENDER("std::atomic") {
  static std::atomic<std::uint64_t> c;
  c = 0;
  return count_events(
      settings, [] { c.fetch_add(1, std::memory_order_relaxed); }, [] { return c.load(); });
}
