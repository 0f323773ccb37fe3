// Its handles are iterators, which nothing checks.
#include "workload.hpp"

#if __has_include(<plf_colony.h>)
#include <plf_colony.h>

namespace {
struct pool {
  using handle = plf::colony<particle>::iterator;
  plf::colony<particle> m;
  handle make(std::uint64_t v) { return m.emplace(v); }
  void drop(handle h) { m.erase(h); }
  static particle* find(handle h) { return &*h; }
  static double reserved() { return -1; }
  static std::size_t compact(double&) { return 0; }
  void trim() { m.trim_capacity(); }
};
}  // namespace

BENCH_MEASURE("plf::colony", pool)
#else
BENCH_MISSING("plf::colony", "libplf-colony-dev")
#endif
