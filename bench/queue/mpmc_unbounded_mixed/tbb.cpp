// link: tbb
#include "workload.hpp"

#if __has_include(<tbb/concurrent_queue.h>)
#include <tbb/concurrent_queue.h>

namespace {
struct queue {
  tbb::concurrent_queue<std::uint64_t> q;
  bool try_push(std::uint64_t v) {
    q.push(v);
    return true;
  }
  bool try_pop(std::uint64_t& v) { return q.try_pop(v); }
};
}  // namespace

BENCH_CONTENDER("tbb") { return measure<queue>(settings); }
#else
BENCH_MISSING("tbb", "libtbb-dev")
#endif
