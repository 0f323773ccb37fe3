// link: tbb
#include "workload.hpp"

#if __has_include(<tbb/concurrent_priority_queue.h>)
#include <tbb/concurrent_priority_queue.h>

namespace {
struct queue {
  tbb::concurrent_priority_queue<std::uint64_t, std::greater<std::uint64_t>> q;
  struct end {
    queue& own;
    void push(std::uint64_t v) { own.q.push(v); }
    bool pop(std::uint64_t& v) { return own.q.try_pop(v); }
  };
  end handle() { return {*this}; }
};
}  // namespace

BENCH_CONTENDER("tbb") { return measure<queue>(settings); }
#else
BENCH_MISSING("tbb", "libtbb-dev")
#endif
