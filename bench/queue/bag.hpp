// bag: what the bag workloads share. A Queue has `producer` and `consumer`, made from it, with try_push and try_pop.
#pragma once
#include "common.hpp"

template <class Queue>
bench::outcome hand_over(const bench::settings& settings, unsigned producers, unsigned consumers) {
  const std::size_t n = settings.scaled(4'000'000) / producers * producers;
  auto queue = std::make_unique<Queue>();
  std::atomic<std::uint64_t> sum{0}, left{n};
  const double time = bench::on_threads(producers + consumers, [&](unsigned me) {
    // Of threads that share a core, one is a producer and one a consumer.
    if (me < producers) {
      typename Queue::producer to(*queue);
      for (std::uint64_t i = me + 1; i <= n; i += producers) push(to, i);
    } else {
      typename Queue::consumer from(*queue);
      std::uint64_t mine = 0, value = 0, count = 0;
      patience p;
      for (;;) {
        if (from.try_pop(value)) {
          mine += value;
          if (++count % 64 != 0) continue;
          left -= 64;
        } else if (left.load(std::memory_order_relaxed) == 0) {
          break;
        } else {
          left -= count % 64;
          count = 0;
          p.wait();
        }
      }
      sum += mine;
    }
  });
  bench::check(sum.load() == std::uint64_t{n} * (n + 1) / 2, "the sum");
  const double ops = static_cast<double>(n);
  return {ops, {{"element", "ns", bench::better::lower, time / ops}}};
}
