#include "workload.hpp"

#include <frys/queue/spsc_ring.hpp>

namespace {
template <class Ring>
struct queue {
  Ring q;
  std::size_t write(std::uint64_t next, std::uint64_t last) {
    const auto space = q.writable((std::min)(piece, static_cast<std::size_t>(last - next)));
    for (auto& slot : space) slot = next++;
    q.commit(space.size());
    return space.size();
  }
  std::size_t read(std::uint64_t& sum) {
    const auto values = q.readable(piece);
    for (const std::uint64_t v : values) sum += v;
    q.consume(values.size());
    return values.size();
  }
};
}  // namespace

BENCH_CONTENDER("frys") { return measure<queue<frys::spsc_ring<std::uint64_t>>>(settings); }
