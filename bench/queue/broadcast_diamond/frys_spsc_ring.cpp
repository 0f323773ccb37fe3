#include "workload.hpp"

#include <frys/queue/spsc_ring.hpp>

// The same as five rings: each stage copies to those after it.
namespace {
struct diamond {
  using ring = frys::spsc_ring<std::uint64_t>;
  ring in, to_left, to_right, from_left, from_right;
  std::size_t push_some(std::uint64_t next, std::size_t count) {
    const auto room = in.writable(count);
    for (std::uint64_t& v : room) v = next++;
    in.commit(room.size());
    return room.size();
  }
  // As many as `out` has room for, at most 64.
  template <class F>
  static void pass(ring& from, ring& out, F f) {
    const auto room = out.writable(64);
    const auto values = from.readable(room.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      f(values[i]);
      room[i] = values[i];
    }
    out.commit(values.size());
    from.consume(values.size());
  }
  std::size_t poll(stages& s) {
    {
      const auto a = to_left.writable(64), b = to_right.writable(64);
      const auto values = in.readable((std::min)(a.size(), b.size()));
      for (std::size_t i = 0; i < values.size(); ++i) {
        s.on_first(values[i]);
        a[i] = b[i] = values[i];
      }
      to_left.commit(values.size());
      to_right.commit(values.size());
      in.consume(values.size());
    }
    pass(to_left, from_left, [&](std::uint64_t v) { s.on_left(v); });
    pass(to_right, from_right, [&](std::uint64_t v) { s.on_right(v); });
    const auto l = from_left.readable(64);
    const auto r = from_right.readable(l.size());
    for (std::size_t i = 0; i < r.size(); ++i) {
      s.fine = s.fine && l[i] == r[i];
      s.on_last(r[i]);
    }
    from_left.consume(r.size());
    from_right.consume(r.size());
    return r.size();
  }
};
}  // namespace

BENCH_CONTENDER("frys spsc_ring") { return measure<diamond>(settings); }
