// The owner alone: pushes and pops, one at a time, and 64 up and 64 down. ns of CPU per push and pop.
#pragma once
#include <cstdint>

#include "harness.hpp"

// Deque: owner() answers something with push(value) and pop(value), false when empty.
template <class Deque>
bench::outcome measure(const bench::settings& settings) {
  const std::uint64_t n = settings.scaled(16'000'000) / 64 * 64;
  Deque deque;
  bench::pin(0);
  std::uint64_t sum = 0;
  const auto run = [&](std::uint64_t batch) {
    auto&& owner = deque.owner();
    const double begin = bench::thread_cpu_ns();
    for (std::uint64_t i = 0; i < n; i += batch) {
      for (std::uint64_t j = 0; j < batch; ++j) owner.push(i + j);
      for (std::uint64_t j = 0; j < batch; ++j) {
        std::uint64_t v = 0;
        if (owner.pop(v)) sum += v;
      }
    }
    return (bench::thread_cpu_ns() - begin) / static_cast<double>(n);
  };
  const auto one = [&] {  // the same with a batch of one, which the compiler shall see
    auto&& owner = deque.owner();
    const double begin = bench::thread_cpu_ns();
    for (std::uint64_t i = 0; i < n; ++i) {
      owner.push(i);
      std::uint64_t v = 0;
      if (owner.pop(v)) sum += v;
    }
    return (bench::thread_cpu_ns() - begin) / static_cast<double>(n);
  };
  const double single = one();
  const double many = run(64);
  bench::check(sum == n * (n - 1), "the sum");
  return {2.0 * static_cast<double>(n),
          {{"pair", "ns", bench::better::lower, single}, {"pair_of_64", "ns", bench::better::lower, many}}};
}
