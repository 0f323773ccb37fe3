// link: tbb
#include "workload.hpp"

#if __has_include(<tbb/concurrent_queue.h>)
#include <tbb/concurrent_queue.h>

namespace {
struct queue {
  tbb::concurrent_bounded_queue<std::uint64_t> q;
  queue() { q.set_capacity(1024); }
  bool try_push(std::uint64_t v) { return q.try_push(v); }
  bool try_pop(std::uint64_t& v) { return q.try_pop(v); }
};
}  // namespace

BENCH_CONTENDER("tbb") { return measure<queue>(settings); }
#else
BENCH_MISSING("tbb", "libtbb-dev")
#endif
