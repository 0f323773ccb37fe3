// An array that grows one by one to 1,000,000 elements of 64 bytes. push: per element, from nothing. index: an element
// at random. iterate: over all in order, per element. longest_push: CPU time of the longest one of all.
#pragma once
#include <algorithm>

#include "harness.hpp"

struct row {
  std::uint64_t value;
  std::uint64_t rest[7];
};

// Vector has add(row), operator[](i), begin() and end().
template <class Vector>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(1'000'000);
  double longest = 0;
  std::uint64_t x = 1, got = 0;
  {
    Vector v;
    for (std::size_t i = 0; i < n; ++i) {
      // Only those that may be long: a look at the clock costs more than the others.
      const bool maybe = (i & (i - 1)) == 0 || i % 512 == 0 || ((i + 8) & (i + 7)) == 0;
      const double before = maybe ? bench::thread_cpu_ns() : 0;
      v.add(row{i, {}});
      if (maybe) longest = std::max(longest, bench::thread_cpu_ns() - before);
    }
  }
  Vector v;
  double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) v.add(row{i, {}});
  const double push = bench::thread_cpu_ns() - start;
  start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    got += v[((x >> 33) * n) >> 31].value;
  }
  const double index = bench::thread_cpu_ns() - start;
  bench::keep(got);
  got = 0;
  start = bench::thread_cpu_ns();
  for (int turn = 0; turn < 4; ++turn)
    for (const row& r : v) got += r.value;
  const double iterate = bench::thread_cpu_ns() - start;
  bench::check(got == 4 * (std::uint64_t{n} * (n - 1) / 2), "the sum of the elements");
  const auto lower = bench::better::lower;
  const double each = static_cast<double>(n);
  return {0,
          {{"push", "ns", lower, push / each},
           {"index", "ns", lower, index / each},
           {"iterate", "ns", lower, iterate / (4 * each)},
           {"longest_push", "us", lower, longest / 1000}}};
}
