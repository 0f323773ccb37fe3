// Arrays of 64-bit numbers that live for a moment: made, filled one by one, summed, ended. most_short: 1 to 8 elements,
// as many as lie inside, and one array in 64 with 100. all_long: 1000 elements. ns per array; per element.
#pragma once
#include "harness.hpp"

// Vector is made by Vector(), has add(std::uint64_t), and is a range.
template <class Vector>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t arrays = settings.scaled(1'000'000), long_ones = settings.scaled(5'000);
  std::uint64_t x = 1, put = 0, got = 0;
  const auto one = [&](std::size_t n) {
    Vector v;
    for (std::size_t i = 0; i < n; ++i) v.add(i);
    put += n * (n - 1) / 2;
    for (const std::uint64_t e : v) got += e;
  };
  double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < arrays; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    one(i % 64 == 0 ? 100 : (x >> 61) + 1);
  }
  const double some = bench::thread_cpu_ns() - start;
  start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < long_ones; ++i) one(1000);
  const double many = bench::thread_cpu_ns() - start;
  bench::check(put == got, "the sum of the elements");
  const auto lower = bench::better::lower;
  return {0,
          {{"most_short", "ns", lower, some / static_cast<double>(arrays)},
           {"all_long", "ns", lower, many / static_cast<double>(long_ones * 1000)}}};
}
