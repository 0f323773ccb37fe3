// One thread retires objects that nobody reads any more, and so reclaims them; another seat of the domain is idle. ns
// per object, all of the reclaiming in it; the objects are cheap to destroy.
#pragma once
#include <cstdint>

#include "harness.hpp"

inline std::uint64_t destroyed = 0;
inline void count_one(void*) noexcept { ++destroyed; }

// Scheme: retire(object) hands an object over; finish() comes back when all are destroyed.
template <class Scheme>
bench::outcome retires(const bench::settings& settings, Scheme& scheme) {
  const std::size_t n = settings.scaled(5'000'000);
  static std::uint64_t objects[1024];
  const std::uint64_t before = destroyed;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) scheme.retire(&objects[i % 1024]);
  scheme.finish();
  const double time = bench::thread_cpu_ns() - start;
  bench::check(destroyed - before == n, "the number of destroyed objects");
  const double ops = static_cast<double>(n);
  return {ops, {{"retired_object", "ns", bench::better::lower, time / ops}}};
}
