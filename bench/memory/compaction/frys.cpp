#include "workload.hpp"

#include <frys/memory/compacting_pool.hpp>

#include <algorithm>

namespace {
struct pool {
  using handle = frys::slot_handle<particle>;
  frys::compacting_pool<particle> p;
  handle make(std::uint64_t v) { return *p.emplace(v); }
  void drop(handle h) { p.erase(h); }
  particle* find(handle h) { return p.get(h); }
  double reserved() const { return static_cast<double>(p.reserved()); }
  std::size_t compact(double& longest) {
    std::size_t moved = 0;
    for (;;) {
      const double start = bench::thread_cpu_ns();
      const frys::compact_step step = *p.compact(1024);
      const double time = bench::thread_cpu_ns() - start;
      longest = std::max(longest, time);
      moved += step.moved;
      if (step.finished) return moved;
    }
  }
  void trim() {}
};
}  // namespace

BENCH_MEASURE("frys", pool)
