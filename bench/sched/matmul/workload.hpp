// A product of two matrices of 1,024 by 1,024 doubles (512 with --quick), in quarters down to 32 by 32: four children,
// then four more that add to what the first wrote.
#pragma once
#include <cmath>

#include "sched/crew.hpp"

[[gnu::noinline]] inline void multiply_small(const double* a, const double* b, double* c, std::size_t n,
                                             std::size_t row) {
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) c[i * row + j] += a[i * row + k] * b[k * row + j];
}

template <class Crew>
void multiply(const double* a, const double* b, double* c, std::size_t n, std::size_t row) {
  if (n <= 32) return multiply_small(a, b, c, n, row);
  const std::size_t h = n / 2;
  for (std::size_t k = 0; k < 2; ++k)
    Crew::each(4, [=](std::size_t quarter) {
      const std::size_t i = quarter / 2, j = quarter % 2;
      multiply<Crew>(a + (i * row + k) * h, b + (k * row + j) * h, c + (i * row + j) * h, h, row);
    });
}

struct matmul_work {
  std::size_t n;
  std::vector<double> a, b, c, ones, expected;
  explicit matmul_work(std::size_t size) : n(size), a(n * n), b(n * n), c(n * n), ones(n, 1), expected(n) {
    for (std::size_t i = 0; i < n * n; ++i) {
      a[i] = static_cast<double>(i * 7 % 13);  // small whole numbers: every sum is exact
      b[i] = static_cast<double>(i * 5 % 11);
    }
    expected = times(a, times(b, ones));
  }
  std::vector<double> times(const std::vector<double>& m, const std::vector<double>& v) const {
    std::vector<double> out(n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) out[i] += m[i * n + j] * v[j];
    return out;
  }
  void prepare() { std::fill(c.begin(), c.end(), 0.0); }
  template <class Crew>
  void run(Crew& crew) {
    if constexpr (requires { crew.matmul(a.data(), b.data(), c.data(), n); })
      crew.matmul(a.data(), b.data(), c.data(), n);
    else
      crew.run([this] { multiply<Crew>(a.data(), b.data(), c.data(), n, n); });
  }
  bool fine() const { return times(c, ones) == expected; }  // each row's sum
};

template <class Crew>
bench::outcome measure(const bench::settings& s) {
  return on_crews<Crew>(s, matmul_work(s.quick ? 512 : 1024));
}
