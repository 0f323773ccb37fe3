#include "workload.hpp"

#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>

namespace {
struct queue {
  moodycamel::ConcurrentQueue<std::uint64_t> q{1024};
  bool try_push(std::uint64_t v) { return q.enqueue(v); }
  bool try_pop(std::uint64_t& v) { return q.try_dequeue(v); }
};
}  // namespace

BENCH_CONTENDER("moodycamel") { return measure<queue>(settings); }
#else
BENCH_MISSING("moodycamel", "libconcurrentqueue-dev")
#endif
