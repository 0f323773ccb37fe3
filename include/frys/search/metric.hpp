// metric: what "near" means to a search: cosine, squared Euclidean distance, or inner product.
//
// A metric is a type, so that an index holds no pointer and no branch for it. Your own satisfies search_metric.
#ifndef FRYS_SEARCH_METRIC_HPP
#define FRYS_SEARCH_METRIC_HPP

#include <concepts>
#include <cstddef>

#include "../config.hpp"
#include "../simd/target.hpp"

namespace frys::inline FRYS_ABI {

// M::larger_is_nearer  the direction of the scores.
// M::unit_length       vectors are stored with length 1 and scores divided by the query's length; zero is refused.
// M::scores            out[i] = the score of `query` with the row at rows + i * stride, for i < count, over n floats.
//                      The same row must give the same bits wherever it stands.
template <class M>
concept search_metric = requires(const float* floats, std::size_t size, float* out) {
  requires std::same_as<decltype(M::larger_is_nearer), const bool>;
  requires std::same_as<decltype(M::unit_length), const bool>;
  { M::scores(floats, floats, size, size, size, out) }
  noexcept->std::same_as<void>;
};

namespace metrics {

// Score: the cosine of the angle, 1 for the same direction, -1 for the opposite one.
struct cosine {
  static constexpr bool larger_is_nearer = true;
  static constexpr bool unit_length = true;
  static void scores(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                     float* out) noexcept {
    simd::kernels().dot_rows(query, rows, stride, count, n, out);
  }
};

// Score: the squared distance, 0 for the same point.
struct l2 {
  static constexpr bool larger_is_nearer = false;
  static constexpr bool unit_length = false;
  static void scores(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                     float* out) noexcept {
    simd::kernels().l2_squared_rows(query, rows, stride, count, n, out);
  }
};

// Score: the inner product; lengths count.
struct dot {
  static constexpr bool larger_is_nearer = true;
  static constexpr bool unit_length = false;
  static void scores(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                     float* out) noexcept {
    simd::kernels().dot_rows(query, rows, stride, count, n, out);
  }
};

}  // namespace metrics

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SEARCH_METRIC_HPP
