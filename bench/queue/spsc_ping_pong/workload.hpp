// Two threads on two cores hand a number to and fro over two queues. ns per round trip.
#pragma once
#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(300'000);
  auto there = std::make_unique<Queue>();
  auto back = std::make_unique<Queue>();
  std::uint64_t last = 0;
  const double time = bench::on_threads(2, [&](unsigned me) {
    for (std::uint64_t i = 1; i <= n; ++i) {
      if (me == 0) {
        push(*there, i);
        last = pop(*back);
      } else {
        push(*back, pop(*there));
      }
    }
  });
  bench::check(last == n, "the last number");
  return {2 * static_cast<double>(n), {{"round_trip", "ns", bench::better::lower, time / static_cast<double>(n)}}};
}
