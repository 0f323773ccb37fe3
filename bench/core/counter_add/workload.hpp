// One thread counts events; another one may read at any time. ns per event.
#pragma once
#include "harness.hpp"

template <class Add, class Value>
bench::outcome count_events(const bench::settings& settings, Add add, Value value) {
  const std::size_t n = settings.scaled(50'000'000);
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) add();
  const double time = bench::thread_cpu_ns() - start;
  bench::check(value() == n, "the count");
  const double ops = static_cast<double>(n);
  return {ops, {{"add", "ns", bench::better::lower, time / ops}}};
}
