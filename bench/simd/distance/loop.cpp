#include "workload.hpp"

namespace {
using view = std::span<const float>;
float dot(view a, view b) {
  float s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}
float l2(view a, view b) {
  float s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += (a[i] - b[i]) * (a[i] - b[i]);
  return s;
}
float cosine(view a, view b) {
  float s = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    s += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return s / std::sqrt(aa * bb);
}
}  // namespace

BENCH_CONTENDER("loop") {
  bench::outcome out;
  distances(out, settings, "dot", kind::dot, dot);
  distances(out, settings, "l2_squared", kind::l2, l2);
  distances(out, settings, "cosine", kind::cosine, cosine);
  return out;
}
