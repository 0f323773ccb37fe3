#include "workload.hpp"

#if __has_include(<atomic_queue/atomic_queue.h>)
#include <atomic_queue/atomic_queue.h>

namespace {
struct single {
  atomic_queue::AtomicQueue<std::uint64_t, 1024, std::uint64_t{0}, true, true, false, true> q;
  bool try_push(std::uint64_t v) { return q.try_push(v); }
  bool try_pop(std::uint64_t& v) { return q.try_pop(v); }
};
}  // namespace

BENCH_CONTENDER("atomic_queue") { return measure<one_by_one<single>>(settings); }
#else
BENCH_MISSING("atomic_queue", "libatomic-queue-dev")
#endif
