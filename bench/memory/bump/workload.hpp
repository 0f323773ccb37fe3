// 1,000 small objects are made, then all are dropped at once: of mixed sizes (8 to 120 bytes), and of 64 bytes, a size
// that the compiler knows. ns per allocation.
#pragma once
#include <cstring>

#include "harness.hpp"

// Region has void* take(size, alignment) and void reset().
template <class Region, class Size>
double fill(std::size_t rounds, Region& region, Size size) {
  constexpr std::size_t objects = 1000;
  std::uint64_t sum = 0, want = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t r = 0; r < rounds; ++r) {
    std::uint64_t* first = nullptr;
    for (std::size_t i = 0; i < objects; ++i) {
      auto* p = static_cast<std::uint64_t*>(region.take(size(i), 8));
      *p = i;
      if (i == 0) first = p;
      sum += *p;
    }
    sum += *first;  // 0, unless somebody wrote over it
    region.reset();
  }
  const double time = bench::thread_cpu_ns() - start;
  want = rounds * (objects * (objects - 1) / 2);
  bench::check(sum == want, "an object was overwritten");
  return time / static_cast<double>(rounds * objects);
}

template <class Region>
bench::outcome fill(const bench::settings& settings, Region& region) {
  const std::size_t rounds = settings.scaled(5'000);
  const double mixed = fill(rounds, region, [](std::size_t i) { return 8 + (i * 8) % 120; });
  const double constant = fill(rounds, region, [](std::size_t) { return std::size_t{64}; });
  return {
      static_cast<double>(2'000 * rounds),
      {{"allocation", "ns", bench::better::lower, mixed}, {"allocation, 64 B", "ns", bench::better::lower, constant}}};
}
