#include "workload.hpp"

#include <mutex>

namespace {
// A binary heap that knows where each timer stands, so that cancelling takes it out.
struct timers {
  struct entry {
    std::uint64_t at;
    std::size_t i;
  };
  std::mutex m;
  std::vector<entry> heap;
  std::vector<std::size_t> place;
  explicit timers(std::size_t count) : place(count) { heap.reserve(count); }
  void put(std::size_t p, entry e) {
    heap[p] = e;
    place[e.i] = p;
  }
  void up(std::size_t p, entry e) {
    for (; p > 0 && e.at < heap[(p - 1) / 2].at; p = (p - 1) / 2) put(p, heap[(p - 1) / 2]);
    put(p, e);
  }
  void down(std::size_t p, entry e) {
    for (;;) {
      std::size_t child = 2 * p + 1;
      if (child >= heap.size()) break;
      if (child + 1 < heap.size() && heap[child + 1].at < heap[child].at) ++child;
      if (e.at <= heap[child].at) break;
      put(p, heap[child]);
      p = child;
    }
    put(p, e);
  }
  void take(std::size_t p) {
    const entry last = heap.back();
    heap.pop_back();
    if (p == heap.size()) return;
    if (p > 0 && last.at < heap[(p - 1) / 2].at)
      up(p, last);
    else
      down(p, last);
  }
  void set(std::size_t i, std::uint64_t at) {
    const std::lock_guard lock(m);
    heap.push_back({});
    up(heap.size() - 1, {at, i});
  }
  void cancel(std::size_t i) {
    const std::lock_guard lock(m);
    take(place[i]);
  }
  std::uint64_t next_ms() {
    const std::lock_guard lock(m);
    return heap.front().at;
  }
  std::size_t advance(std::uint64_t now) {
    const std::lock_guard lock(m);
    std::size_t fired = 0;
    for (; !heap.empty() && heap.front().at <= now; ++fired) take(0);
    return fired;
  }
};
}  // namespace

BENCH_CONTENDER("mutex+indexed heap") { return million<timers>(settings); }
