#include "../indexed_heap.hpp"

#include "workload.hpp"

namespace {
struct timers {
  indexed_heap heap{10'000};
  void set(std::size_t i, std::uint64_t at) {
    heap.cancel(i);
    heap.set(i, at);
  }
  std::size_t advance(std::uint64_t now) { return heap.advance(now); }
};
}  // namespace

BENCH_CONTENDER("mutex+indexed heap") {
  timers t;
  return timeouts(settings, t);
}
