#include "workload.hpp"

#include <deque>
#include <mutex>

namespace {
struct queue {
  std::mutex m;
  std::deque<std::uint64_t> q;
  bool try_push(std::uint64_t v) {
    const std::lock_guard lock(m);
    q.push_back(v);
    return true;
  }
  bool try_pop(std::uint64_t& v) {
    const std::lock_guard lock(m);
    if (q.empty()) return false;
    v = q.front();
    q.pop_front();
    return true;
  }
};
}  // namespace

BENCH_CONTENDER("mutex+deque") { return measure<queue>(settings); }
