#include "workload.hpp"

#include <mutex>
#include <queue>

namespace {
// Cancelling marks: the stale entry stays in the heap until its time comes.
struct timers {
  struct entry {
    std::uint64_t at;
    std::size_t i;
    bool operator<(const entry& o) const { return at > o.at; }
  };
  std::mutex m;
  std::priority_queue<entry> heap;
  std::vector<std::uint64_t> at = std::vector<std::uint64_t>(10'000);
  void set(std::size_t i, std::uint64_t when) {
    const std::lock_guard lock(m);
    if (at[i] == when) return;  // the same time again: the entry stands already
    at[i] = when;
    heap.push({when, i});
  }
  std::size_t advance(std::uint64_t now) {
    const std::lock_guard lock(m);
    std::size_t fired = 0;
    while (!heap.empty() && heap.top().at <= now) {
      const entry e = heap.top();
      heap.pop();
      if (at[e.i] == e.at) {
        ++fired;
        at[e.i] = 0;
      }
    }
    return fired;
  }
};
}  // namespace

BENCH_CONTENDER("mutex+heap") {
  timers t;
  return timeouts(settings, t);
}
