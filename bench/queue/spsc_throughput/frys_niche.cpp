#include "workload.hpp"

#include <frys/queue/spsc_ring.hpp>

namespace {
struct queue {
  frys::spsc_ring<std::uint64_t, frys::policy::niche<std::uint64_t{0}>> q;
  bool try_push(std::uint64_t v) { return static_cast<bool>(q.try_push(v)); }
  bool try_pop(std::uint64_t& v) {
    auto got = q.try_pop();
    if (!got) return false;
    v = *got;
    return true;
  }
};
}  // namespace

BENCH_CONTENDER("frys niche") { return measure<queue>(settings); }
