#include "workload.hpp"

#include <frys/memory/slot_map.hpp>

namespace {
struct map {
  static constexpr bool checks = true;
  using handle = frys::slot_handle<particle>;
  frys::slot_map<particle> m;
  handle make(std::uint64_t v) { return *m.emplace(v); }
  bool drop(handle h) { return m.erase(h); }
  particle* find(handle h) { return m.get(h); }
  template <class F>
  void each(F f) {
    m.for_each(f);
  }
};
}  // namespace

BENCH_MEASURE("frys", map)
