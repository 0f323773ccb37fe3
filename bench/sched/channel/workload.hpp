// Numbers from one coroutine (or fiber) to another, summed up. rendezvous: one thread, no room in between; buffered:
// one thread, room for 64; two_threads: the same from one thread to another, each with its loop. ns per value: CPU time
// where there is one thread, wall time where there are two.
#pragma once
#include "harness.hpp"

// Each moves 1 .. n and answers the sum; two(n, wall) tells its wall time.
template <class Rendezvous, class Buffered, class Two>
bench::outcome values(const bench::settings& settings, Rendezvous rendezvous, Buffered buffered, Two two) {
  bench::outcome out;
  const auto sum_of = [](std::uint64_t n) { return n * (n + 1) / 2; };
  const auto one_thread = [&](const char* metric, auto& f) {
    const std::size_t n = settings.scaled(2'000'000);
    const double start = bench::thread_cpu_ns();
    bench::check(f(n) == sum_of(n), metric);
    out.measures.push_back(
        {metric, "ns", bench::better::lower, (bench::thread_cpu_ns() - start) / static_cast<double>(n)});
  };
  if constexpr (!std::is_null_pointer_v<Rendezvous>) one_thread("rendezvous", rendezvous);
  if constexpr (!std::is_null_pointer_v<Buffered>) one_thread("buffered", buffered);
  if constexpr (!std::is_null_pointer_v<Two>) {
    const std::size_t n = settings.scaled(1'000'000);
    double wall = 0;
    bench::check(two(n, wall) == sum_of(n), "two threads");
    out.measures.push_back({"two_threads", "ns", bench::better::lower, wall / static_cast<double>(n)});
  }
  return out;
}
