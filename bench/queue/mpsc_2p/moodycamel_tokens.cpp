#include "workload.hpp"

#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>

namespace {
struct queue {
  using type = moodycamel::ConcurrentQueue<std::uint64_t>;
  type q;
  struct producer {
    type& q;
    moodycamel::ProducerToken token;
    explicit producer(queue& to) : q(to.q), token(to.q) {}
    bool try_push(std::uint64_t v) { return q.enqueue(token, v); }
  };
  struct consumer {
    type& q;
    moodycamel::ConsumerToken token;
    explicit consumer(queue& from) : q(from.q), token(from.q) {}
    bool try_pop(std::uint64_t& v) { return q.try_dequeue(token, v); }
  };
};
}  // namespace

BENCH_CONTENDER("moodycamel tokens") { return measure<queue>(settings); }
#else
BENCH_MISSING("moodycamel tokens", "libconcurrentqueue-dev")
#endif
