// distance: how alike two vectors of floats are: inner product, squared Euclidean distance, cosine.
//
// Use when  you compare single pairs. For one vector against many rows take kernels().dot_rows: it reads the query
//           once.
// Not when  you need the last bit: sums run in lanes, so the rounding depends on the target (simd::target()).
// Threads   any thread; pure functions. Any alignment.
// Cost      reads each float once; bound by loads. The kernel is chosen at run time, see target.hpp.
#ifndef FRYS_SIMD_DISTANCE_HPP
#define FRYS_SIMD_DISTANCE_HPP

#include <span>

#include "../config.hpp"
#include "target.hpp"

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

// The three take two vectors of the same size; other sizes are a programming error.

// Sum of a[i] * b[i].
[[nodiscard]] inline float dot(std::span<const float> a, std::span<const float> b) noexcept {
  FRYS_ASSERT(a.size() == b.size(), "simd::dot of vectors of different sizes");
  return kernels().dot(a.data(), b.data(), a.size());
}

// Sum of (a[i] - b[i])^2.
[[nodiscard]] inline float l2_squared(std::span<const float> a, std::span<const float> b) noexcept {
  FRYS_ASSERT(a.size() == b.size(), "simd::l2_squared of vectors of different sizes");
  return kernels().l2_squared(a.data(), b.data(), a.size());
}

// dot(a, b) / (|a| |b|): 1 for the same direction, 0 for a right angle and where a vector is zero. May leave [-1, 1] by
// rounding.
[[nodiscard]] inline float cosine(std::span<const float> a, std::span<const float> b) noexcept {
  FRYS_ASSERT(a.size() == b.size(), "simd::cosine of vectors of different sizes");
  return kernels().cosine(a.data(), b.data(), a.size());
}

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_DISTANCE_HPP
