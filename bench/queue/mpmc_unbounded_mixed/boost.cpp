#include "workload.hpp"

#if __has_include(<boost/lockfree/queue.hpp>)
#include <boost/lockfree/queue.hpp>

namespace {
struct queue {
  boost::lockfree::queue<std::uint64_t> q{1024};
  bool try_push(std::uint64_t v) { return q.push(v); }
  bool try_pop(std::uint64_t& v) { return q.pop(v); }
};
}  // namespace

BENCH_CONTENDER("boost::lockfree") { return measure<queue>(settings); }
#else
BENCH_MISSING("boost::lockfree", "libboost-dev")
#endif
