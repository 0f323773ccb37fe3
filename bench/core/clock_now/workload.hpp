// One thread asks for the time, again and again: ns per question, with the sum of the answers' steps checked against
// the time that passed.
#pragma once
#include "harness.hpp"

template <class Now>
bench::outcome ask(const bench::settings& settings, const char* metric, Now now) {
  const std::size_t n = settings.scaled(5'000'000);
  std::uint64_t first = now(), last = first;
  bool back = false;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t t = now();
    back |= t < last;
    last = t;
  }
  const double time = bench::thread_cpu_ns() - start;
  bench::check(!back && last > first, "time goes on, and not back");
  const double ops = static_cast<double>(n);
  return {ops, {{metric, "ns", bench::better::lower, time / ops}}};
}
