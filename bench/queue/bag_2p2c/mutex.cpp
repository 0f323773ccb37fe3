#include "workload.hpp"

#include <mutex>
#include <vector>

namespace {
struct queue {
  std::mutex m;
  std::vector<std::uint64_t> values;  // newest first: the cheapest order
  struct producer {
    queue& q;
    explicit producer(queue& to) : q(to) {}
    bool try_push(std::uint64_t v) {
      const std::lock_guard lock(q.m);
      q.values.push_back(v);
      return true;
    }
  };
  struct consumer {
    queue& q;
    explicit consumer(queue& from) : q(from) {}
    bool try_pop(std::uint64_t& v) {
      const std::lock_guard lock(q.m);
      if (q.values.empty()) return false;
      v = q.values.back();
      q.values.pop_back();
      return true;
    }
  };
};
}  // namespace

BENCH_CONTENDER("mutex+vector") { return measure<queue>(settings); }
