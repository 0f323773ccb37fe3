// Two threads on two cores, each pushes one element and pops one, in turn. ns per push and pop; and how many rounds the
// faster one had done for each of the slower one's when it was ready.
#pragma once
#include <algorithm>

#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(2'000'000);
  auto queue = std::make_unique<Queue>();
  struct alignas(128) progress {
    std::uint64_t sum = 0;
    std::atomic<std::uint64_t> rounds{0};
  } of[2];
  std::atomic<std::uint64_t> slower{0};
  const double time = bench::on_threads(2, [&](unsigned me) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 1; i <= n; ++i) {
      push(*queue, i);
      sum += pop(*queue);
      of[me].rounds.store(i, std::memory_order_relaxed);
    }
    std::uint64_t nobody = 0;
    slower.compare_exchange_strong(nobody, (std::max)(std::uint64_t{1}, of[1 - me].rounds.load()));
    of[me].sum = sum;
  });
  const std::uint64_t each = std::uint64_t{n} * (n + 1) / 2;
  bench::check(of[0].sum + of[1].sum == 2 * each, "the sum");
  const double ops = 2 * static_cast<double>(n);
  return {
      ops,
      {{"push_and_pop", "ns", bench::better::lower, time / ops},
       {"faster_to_slower", "x", bench::better::lower, static_cast<double>(n) / static_cast<double>(slower.load())}}};
}
