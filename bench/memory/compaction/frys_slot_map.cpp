#include "workload.hpp"

#include <frys/memory/slot_map.hpp>

namespace {
struct pool {
  using handle = frys::slot_handle<particle>;
  frys::slot_map<particle> p;
  handle make(std::uint64_t v) { return *p.emplace(v); }
  void drop(handle h) { p.erase(h); }
  particle* find(handle h) { return p.get(h); }
  double reserved() const { return static_cast<double>(p.reserved()); }
  std::size_t compact(double&) { return 0; }
  void trim() {}
};
}  // namespace

BENCH_MEASURE("frys slot_map", pool)
