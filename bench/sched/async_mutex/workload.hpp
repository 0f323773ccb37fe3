// A lock that is held over a wait. uncontended: lock and unlock, one thread. crowd: 100 coroutines (or fibers) of one
// thread, each holds it over a yield, so that all others stand in line. two_threads: both want it for a few
// instructions, all the time; wall time for a section, which counts.
#pragma once
#include "harness.hpp"

// Each takes how often; two(n): n on each of two threads, answers the wall time; all answer what was counted by
// count().
template <class One, class Crowd, class Two>
bench::outcome sections(const bench::settings& settings, One one, Crowd crowd, Two two) {
  bench::outcome out;
  {
    const std::size_t n = settings.scaled(5'000'000);
    const double start = bench::thread_cpu_ns();
    bench::check(one(n) == n, "uncontended: the count");
    out.measures.push_back(
        {"uncontended", "ns", bench::better::lower, (bench::thread_cpu_ns() - start) / static_cast<double>(n)});
  }
  if constexpr (!std::is_null_pointer_v<Crowd>) {
    const std::size_t n = settings.scaled(10'000);
    const double start = bench::thread_cpu_ns();
    bench::check(crowd(100, n) == 100 * n, "crowd: the count");
    out.measures.push_back(
        {"crowd", "ns", bench::better::lower, (bench::thread_cpu_ns() - start) / static_cast<double>(100 * n)});
  }
  if constexpr (!std::is_null_pointer_v<Two>) {
    const std::size_t n = settings.scaled(1'000'000);
    double wall = 0;
    bench::check(two(n, wall) == 2 * n, "two threads: the count");
    out.measures.push_back({"two_threads", "ns", bench::better::lower, wall / static_cast<double>(2 * n)});
  }
  return out;
}
