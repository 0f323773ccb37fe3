#include "workload.hpp"

#include <frys/queue/segment_queue.hpp>

namespace {
struct queue {
  frys::segment_queue<std::uint64_t> q;
  bool try_push(std::uint64_t v) { return static_cast<bool>(q.try_push(v)); }
  bool try_pop(std::uint64_t& v) {
    auto got = q.try_pop();
    if (!got) return false;
    v = *got;
    return true;
  }
};
}  // namespace

BENCH_CONTENDER("frys segment_queue") { return measure<queue>(settings); }
