// 1,000 small objects of mixed sizes (8 to 120 bytes) are made, then all are dropped at once. ns per allocation.
#pragma once
#include <cstring>

#include "harness.hpp"

// Region has void* take(size, alignment) and void reset().
template <class Region>
bench::outcome fill(const bench::settings& settings, Region& region) {
  constexpr std::size_t objects = 1000;
  const std::size_t rounds = settings.scaled(5'000);
  std::uint64_t sum = 0, want = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t r = 0; r < rounds; ++r) {
    std::uint64_t* first = nullptr;
    for (std::size_t i = 0; i < objects; ++i) {
      auto* p = static_cast<std::uint64_t*>(region.take(8 + (i * 8) % 120, 8));
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
  const double ops = static_cast<double>(rounds * objects);
  return {ops, {{"allocation", "ns", bench::better::lower, time / ops}}};
}
