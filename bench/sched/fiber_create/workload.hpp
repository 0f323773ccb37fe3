// A flow on a stack of 16 KiB from a pool is made, adds a number, and ends; one after the other. ns of CPU time each.
#pragma once
#include "harness.hpp"

// run(n): n flows, of which number i adds i; answers the sum.
template <class Run>
bench::outcome creates(const bench::settings& settings, Run run) {
  const std::size_t n = settings.scaled(3'000'000);
  const double start = bench::thread_cpu_ns();
  const std::uint64_t sum = run(n);
  const double time = bench::thread_cpu_ns() - start;
  bench::check(sum == std::uint64_t{n} * (n - 1) / 2, "each runs once");
  return {static_cast<double>(n), {{"create_and_run", "ns", bench::better::lower, time / static_cast<double>(n)}}};
}
