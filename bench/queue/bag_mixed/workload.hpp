// A queue that keeps no order among producers, with handles: two threads on two cores, each pushes one element and pops
// one, in turn. ns per push and pop.
#pragma once
#include "../bag.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(2'000'000);
  auto queue = std::make_unique<Queue>();
  std::uint64_t sums[2] = {0, 0};
  const double time = bench::on_threads(2, [&](unsigned me) {
    typename Queue::producer to(*queue);
    typename Queue::consumer from(*queue);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 1; i <= n; ++i) {
      push(to, i);
      sum += pop(from);
    }
    sums[me] = sum;
  });
  const std::uint64_t each = std::uint64_t{n} * (n + 1) / 2;
  bench::check(sums[0] + sums[1] == 2 * each, "the sum");
  const double ops = 2 * static_cast<double>(n);
  return {ops, {{"push_and_pop", "ns", bench::better::lower, time / ops}}};
}
