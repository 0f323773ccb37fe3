#include "workload.hpp"

#include <frys/queue/broadcast_ring.hpp>

namespace {
struct first {};
struct left {};
struct right {};
struct last {};
using graph = frys::policy::readers<frys::reads<first>, frys::reads<left, first>, frys::reads<right, first>,
                                    frys::reads<last, left, right>>;

struct diamond {
  frys::broadcast_ring<std::uint64_t, graph> ring;
  std::size_t push_some(std::uint64_t next, std::size_t count) {
    const auto room = ring.writable(count);
    for (std::uint64_t& v : room) v = next++;
    ring.commit(room.size());
    return room.size();
  }
  template <class Name, class F>
  std::size_t take(F f) {
    const auto reader = ring.reader<Name>();
    const auto values = reader.readable(64);
    for (const std::uint64_t v : values) f(v);
    reader.consume(values.size());
    return values.size();
  }
  std::size_t poll(stages& s) {
    (void)take<first>([&](std::uint64_t v) { s.on_first(v); });
    (void)take<left>([&](std::uint64_t v) { s.on_left(v); });
    (void)take<right>([&](std::uint64_t v) { s.on_right(v); });
    return take<last>([&](std::uint64_t v) { s.on_last(v); });
  }
};
}  // namespace

BENCH_CONTENDER("frys") { return measure<diamond>(settings); }
