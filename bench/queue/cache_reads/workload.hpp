// A cache of 4096 values in front of a table of 64 Ki, keys skewed (few often, many seldom): by one thread (ns of CPU
// per look, with the misses' work, which is little here), and by two on two cores (ns of wall time, and of CPU, per
// look of a thread). hit_rate is a percentage.
#pragma once
#include <cstdint>
#include <memory>

#include "harness.hpp"

// Cache: seat() answers, for each thread, something with get_or(key, load).
template <class Cache>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(4'000'000);
  auto cache = std::make_unique<Cache>();
  std::uint64_t wrong[2] = {0, 0}, misses[2] = {0, 0};
  double cpu[2] = {0, 0};
  const auto read = [&](unsigned me) {
    auto&& seat = cache->seat();
    std::uint64_t dice = 88172645463325252u + me, bad = 0, loads = 0;
    const double begin = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
      const std::uint64_t key = (dice >> 20 & 0xffff) >> (dice >> 40 & 15);
      bad += seat.get_or(key, [&](std::uint64_t k) { return ++loads, k * 3; }) != key * 3;
    }
    cpu[me] = (bench::thread_cpu_ns() - begin) / static_cast<double>(n);
    wrong[me] += bad, misses[me] = loads;
  };
  bench::pin(0);
  read(0);
  const double one = cpu[0];
  const double two = bench::on_threads(2, read) / static_cast<double>(n);
  bench::check(wrong[0] + wrong[1] == 0, "each value");
  const double rate = 100 - 100 * static_cast<double>(misses[0] + misses[1]) / (2 * static_cast<double>(n));
  bench::check(rate > 50, "hits");
  return {3.0 * static_cast<double>(n),
          {{"one_thread", "ns", bench::better::lower, one},
           {"two_threads", "ns", bench::better::lower, two},
           {"two_threads_cpu", "ns", bench::better::lower, (cpu[0] + cpu[1]) / 2},
           {"hit_rate", "%", bench::better::higher, rate}}};
}
