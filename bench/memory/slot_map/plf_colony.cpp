#include "workload.hpp"

#if __has_include(<plf_colony.h>)
#include <plf_colony.h>

namespace {
// Its handles are iterators, which nothing checks: no row for get.
struct map {
  static constexpr bool checks = false;
  using handle = plf::colony<particle>::iterator;
  plf::colony<particle> m;
  handle make(std::uint64_t v) { return m.emplace(v); }
  bool drop(handle h) {
    m.erase(h);
    return true;
  }
  particle* find(handle h) { return &*h; }
  template <class F>
  void each(F f) {
    for (particle& p : m) f(p);
  }
};
}  // namespace

BENCH_MEASURE("plf::colony", map)
#else
BENCH_MISSING("plf::colony", "libplf-colony-dev")
#endif
