// The compiler may reorder the sums and use AVX2, as a program built for one machine would.
#include "workload.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
namespace {
using view = std::span<const float>;
__attribute__((target("avx2,fma"), optimize("O3,fast-math"))) float dot(view a, view b) {
  float s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}
__attribute__((target("avx2,fma"), optimize("O3,fast-math"))) float l2(view a, view b) {
  float s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += (a[i] - b[i]) * (a[i] - b[i]);
  return s;
}
__attribute__((target("avx2,fma"), optimize("O3,fast-math"))) float cosine(view a, view b) {
  float s = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    s += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return s / std::sqrt(aa * bb);
}
}  // namespace

BENCH_CONTENDER("autovectorised") {
  bench::outcome out;
  distances(out, settings, "dot", kind::dot, dot);
  distances(out, settings, "l2_squared", kind::l2, l2);
  distances(out, settings, "cosine", kind::cosine, cosine);
  return out;
}
#endif
