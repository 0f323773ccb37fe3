#include "workload.hpp"

#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>

namespace {
struct queue {
  moodycamel::ConcurrentQueue<std::uint64_t> q{1024};
  std::size_t push_some(std::uint64_t* values, std::size_t n) { return q.enqueue_bulk(values, n) ? n : 0; }
  std::size_t pop_some(std::uint64_t* out, std::size_t n) { return q.try_dequeue_bulk(out, n); }
};
}  // namespace

BENCH_CONTENDER("moodycamel") { return measure<queue>(settings); }
#else
BENCH_MISSING("moodycamel", "libconcurrentqueue-dev")
#endif
