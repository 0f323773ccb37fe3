#include "workload.hpp"

#include <frys/queue/broadcast_ring.hpp>

namespace {
struct broadcast {
  frys::broadcast_ring<std::uint64_t> ring;
  decltype(ring.reader()) reader = ring.reader();
  bool try_push(std::uint64_t v) { return static_cast<bool>(ring.try_push(v)); }
  bool try_pop(std::uint64_t& v) {
    auto got = reader.try_pop();
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
    const auto values = reader.readable(most);
    f(values);
    reader.consume(values.size());
    return values.size();
  }
};
}  // namespace

BENCH_CONTENDER("frys") { return measure<broadcast>(settings); }
