#include "workload.hpp"

#include <mutex>
#include <set>

namespace {
struct timers {
  std::mutex m;
  std::set<std::pair<std::uint64_t, std::size_t>> due;
  std::vector<std::uint64_t> at;
  explicit timers(std::size_t count) : at(count) {}
  void set(std::size_t i, std::uint64_t when) {
    const std::lock_guard lock(m);
    at[i] = when;
    due.insert({when, i});
  }
  void cancel(std::size_t i) {
    const std::lock_guard lock(m);
    due.erase({at[i], i});
  }
  std::uint64_t next_ms() {
    const std::lock_guard lock(m);
    return due.begin()->first;
  }
  std::size_t advance(std::uint64_t now) {
    const std::lock_guard lock(m);
    std::size_t fired = 0;
    for (; !due.empty() && due.begin()->first <= now; ++fired) due.erase(due.begin());
    return fired;
  }
};
}  // namespace

BENCH_CONTENDER("mutex+std::set") { return million<timers>(settings); }
