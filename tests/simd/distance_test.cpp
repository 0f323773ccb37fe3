#include <doctest/doctest.h>
#include <frys/simd/distance.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace {

std::vector<float> numbers(std::size_t count, std::uint32_t seed) {
  std::vector<float> out(count);
  for (float& f : out) {
    seed = seed * 1664525u + 1013904223u;
    f = static_cast<float>(static_cast<int>(seed >> 16) % 1000 - 500) / 500.0f;
  }
  return out;
}

struct sums {
  double dot = 0, l2 = 0, aa = 0, bb = 0;
  double cosine() const { return aa > 0 && bb > 0 ? dot / (std::sqrt(aa) * std::sqrt(bb)) : 0; }
};

sums reference(const float* a, const float* b, std::size_t n) {
  sums s;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    s.dot += x * y;
    s.l2 += (x - y) * (x - y);
    s.aa += x * x;
    s.bb += y * y;
  }
  return s;
}

bool near(float got, double wanted) { return std::fabs(static_cast<double>(got) - wanted) <= 1e-4; }

// Called before main, in no known order with other constructors.
const float early = [] {
  const float x[3] = {1, 2, 3};
  return frys::simd::dot(x, x);
}();

}  // namespace

TEST_CASE("distance: dot, l2_squared and cosine of small vectors") {
  CHECK(early == 14.0f);
  const float a[] = {1, 0, 2}, b[] = {0, 3, 1};
  CHECK(frys::simd::dot(a, b) == 2.0f);
  CHECK(frys::simd::l2_squared(a, b) == 11.0f);
  CHECK(near(frys::simd::cosine(a, a), 1.0));
  CHECK(near(frys::simd::cosine(a, b), 2.0 / (std::sqrt(5.0) * std::sqrt(10.0))));
  CHECK(frys::simd::dot({}, {}) == 0.0f);
  CHECK(frys::simd::l2_squared({}, {}) == 0.0f);
  CHECK(frys::simd::cosine({}, {}) == 0.0f);
  const float zero[3] = {};
  CHECK(frys::simd::cosine(a, zero) == 0.0f);
}

TEST_CASE("distance: every target equals the definition at every length and alignment") {
  for (const auto& each : frys::simd::targets()) {
    if (!frys::simd::runnable(each)) continue;
    INFO(std::string(each.name));
    for (std::size_t n = 0; n <= 257; ++n) {
      for (std::size_t offset = 0; offset < 5; ++offset) {
        // Blocks of exactly the size, so that a sanitizer sees any read beside them.
        const auto from_a = numbers(n + offset, 1), from_b = numbers(n + 1, 2);
        const float* a = from_a.data() + offset;
        const float* b = from_b.data() + 1;
        const sums wanted = reference(a, b, n);
        const bool right = near(each.dot(a, b, n), wanted.dot) && near(each.l2_squared(a, b, n), wanted.l2) &&
                           near(each.cosine(a, b, n), wanted.cosine());
        CHECK_MESSAGE(right, "n " << n << " offset " << offset);
      }
    }
  }
}

TEST_CASE("distance: many rows give what one row gives, wherever the row stands") {
  for (const auto& each : frys::simd::targets()) {
    if (!frys::simd::runnable(each)) continue;
#if defined(__i386__) && !defined(__SSE2__)
    const bool same_bits = each.level != frys::simd::isa::baseline;  // x87 rounds at the compiler's will
#else
    constexpr bool same_bits = true;
#endif
    INFO(std::string(each.name));
    for (std::size_t n = 0; n <= 130; ++n) {
      for (std::size_t count = 0; count <= 9; ++count) {
        const std::size_t stride = n + n % 3;
        const auto query = numbers(n, 3);
        std::vector<float> rows = numbers(count == 0 ? 0 : (count - 1) * stride + n, 4);
        if (count > 1 && n > 0) std::memcpy(rows.data() + (count - 1) * stride, rows.data(), n * sizeof(float));
        std::vector<float> dots(count + 1, -7.0f), distances(count + 1, -7.0f);
        each.dot_rows(query.data(), rows.data(), stride, count, n, dots.data());
        each.l2_squared_rows(query.data(), rows.data(), stride, count, n, distances.data());
        bool right = dots[count] == -7.0f && distances[count] == -7.0f;
        for (std::size_t i = 0; i < count; ++i) {
          const sums wanted = reference(query.data(), rows.data() + i * stride, n);
          right = right && near(dots[i], wanted.dot) && near(distances[i], wanted.l2);
        }
        if (count > 1 && same_bits) right = right && dots[0] == dots[count - 1] && distances[0] == distances[count - 1];
        CHECK_MESSAGE(right, "n " << n << " count " << count);
      }
    }
  }
}

TEST_CASE("distance: infinities and NaN come through, and only from the elements that are counted") {
  const float inf = std::numeric_limits<float>::infinity();
  for (const auto& each : frys::simd::targets()) {
    if (!frys::simd::runnable(each)) continue;
    INFO(std::string(each.name));
    for (std::size_t n = 1; n <= 70; ++n) {
      std::vector<float> a(n, 1.0f), b(n, 2.0f);
      a[n - 1] = std::numeric_limits<float>::quiet_NaN();
      CHECK(std::isnan(each.dot(a.data(), b.data(), n)));
      CHECK(std::isnan(each.l2_squared(a.data(), b.data(), n)));
      CHECK(near(each.dot(a.data(), b.data(), n - 1), 2.0 * static_cast<double>(n - 1)));
      a[n - 1] = 1.0f;
      a[0] = inf;
      // The overlapping tail must not multiply the infinity by zero.
      CHECK(each.dot(a.data(), b.data(), n) == inf);
      CHECK(each.l2_squared(a.data(), b.data(), n) == inf);
      std::vector<float> out(1);
      each.dot_rows(b.data(), a.data(), n, 1, n, out.data());
      CHECK(out[0] == inf);
    }
  }
}
