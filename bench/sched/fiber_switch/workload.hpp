// A flow that counts and gives way, n times, each time entered anew from outside: two switches a round. Besides, for
// who has a queue of fibers: two of them that yield to each other. ns of CPU time per switch.
#pragma once
#include "harness.hpp"

// run(n): n rounds; answers how often the flow has counted.
template <class Run>
bench::outcome switches(const bench::settings& settings, Run run, const char* metric = "switch") {
  const std::size_t n = settings.scaled(5'000'000);
  const double start = bench::thread_cpu_ns();
  const std::size_t counted = run(n);
  const double time = bench::thread_cpu_ns() - start;
  bench::check(counted == n, "each switch arrives");
  return {2 * static_cast<double>(n), {{metric, "ns", bench::better::lower, time / (2 * static_cast<double>(n))}}};
}
