#include "workload.hpp"

#if __has_include(<hnswlib/hnswlib.h>) && defined(__x86_64__)
#pragma GCC target("avx2,fma")
#include <hnswlib/hnswlib.h>

BENCH_CONTENDER("hnswlib") {
  using view = std::span<const float>;
  static hnswlib::L2Space l2(vectors::dimension);
  static hnswlib::InnerProductSpace ip(vectors::dimension);
  static std::size_t dimension = vectors::dimension;
  bench::outcome out;
  distances(out, settings, "dot", kind::dot,
            [f = ip.get_dist_func()](view a, view b) { return 1.0f - f(a.data(), b.data(), &dimension); });
  distances(out, settings, "l2_squared", kind::l2,
            [f = l2.get_dist_func()](view a, view b) { return f(a.data(), b.data(), &dimension); });
  return out;
}
#else
BENCH_MISSING("hnswlib", "libhnswlib-dev")
#endif
