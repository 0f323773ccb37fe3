#include "workload.hpp"

#include <frys/queue/mpmc_ring.hpp>

namespace {
struct queue {
  frys::mpmc_ring<std::uint64_t> q;
  std::size_t push_some(std::uint64_t* values, std::size_t n) { return q.push_some({values, n}); }
  std::size_t pop_some(std::uint64_t* out, std::size_t n) { return q.pop_some({out, n}); }
};
}  // namespace

BENCH_CONTENDER("frys") { return measure<queue>(settings); }
