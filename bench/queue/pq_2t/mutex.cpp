#include <functional>
#include <mutex>
#include <queue>
#include <vector>

#include "workload.hpp"

namespace {
struct queue {
  std::mutex mutex;
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<std::uint64_t>> q;
  struct end {
    queue& own;
    void push(std::uint64_t v) {
      const std::lock_guard lock(own.mutex);
      own.q.push(v);
    }
    bool pop(std::uint64_t& v) {
      const std::lock_guard lock(own.mutex);
      if (own.q.empty()) return false;
      v = own.q.top();
      own.q.pop();
      return true;
    }
  };
  end handle() { return {*this}; }
};
}  // namespace

BENCH_CONTENDER("mutex+priority_queue") { return measure<queue>(settings); }
