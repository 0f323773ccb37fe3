#include "workload.hpp"

namespace {
// A shared bump pointer: an atomic addition for each piece, and no end.
struct together {
  alignas(64) std::byte memory[2 * 1024 * 1024];
  alignas(64) std::atomic<std::size_t> at{0};
  struct thread_part {
    together& all;
    void* take(std::size_t size, std::size_t) {
      return all.memory + all.at.fetch_add((size + 7) & ~std::size_t{7}, std::memory_order_relaxed);
    }
  };
  thread_part part(unsigned) { return {*this}; }
  void reset() { at.store(0, std::memory_order_relaxed); }
};
}  // namespace

BENCH_CONTENDER("by hand, one atomic pointer") {
  static together t;
  return fill_together(settings, t);
}
