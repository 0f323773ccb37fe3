#include "workload.hpp"

#include <frys/queue/spsc_ring.hpp>

namespace {
struct broadcast {
  frys::spsc_ring<std::uint64_t> ring;
  bool try_push(std::uint64_t v) { return static_cast<bool>(ring.try_push(v)); }
  bool try_pop(std::uint64_t& v) {
    auto got = ring.try_pop();
    if (!got) return false;
    v = *got;
    return true;
  }
  template <class F>
  std::size_t write(std::size_t most, F f) {
    const auto room = ring.writable(most);
    f(room);
    ring.commit(room.size());
    return room.size();
  }
  template <class F>
  std::size_t read(std::size_t most, F f) {
    const auto values = ring.readable(most);
    f(values);
    ring.consume(values.size());
    return values.size();
  }
};
}  // namespace

BENCH_CONTENDER("frys spsc_ring") { return measure<broadcast>(settings); }
