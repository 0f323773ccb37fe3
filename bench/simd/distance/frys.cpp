#include "workload.hpp"

#include <frys/simd/distance.hpp>

namespace {
using view = std::span<const float>;
}

BENCH_CONTENDER("frys") {
  bench::outcome out;
  distances(out, settings, "dot", kind::dot, [](view a, view b) { return frys::simd::dot(a, b); });
  distances(out, settings, "l2_squared", kind::l2, [](view a, view b) { return frys::simd::l2_squared(a, b); });
  distances(out, settings, "cosine", kind::cosine, [](view a, view b) { return frys::simd::cosine(a, b); });
  return out;
}
