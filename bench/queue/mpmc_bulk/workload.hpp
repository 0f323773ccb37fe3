// A queue for many, used by one producer and one consumer on two cores, 16 elements at a time. ns per element. A Queue
// has push_some(values, n) and pop_some(out, n), which answer how many.
#pragma once
#include <algorithm>

#include "../common.hpp"

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  constexpr std::size_t portion = 16;
  const std::size_t n = settings.scaled(4'000'000);
  auto queue = std::make_unique<Queue>();
  std::uint64_t sum = 0;
  const double time = bench::on_threads(2, [&](unsigned me) {
    std::uint64_t some[portion];
    if (me == 0) {
      for (std::uint64_t done = 0; done < n;) {
        const std::size_t count = std::min<std::size_t>(portion, n - done);
        for (std::size_t i = 0; i < count; ++i) some[i] = done + i + 1;
        std::size_t pushed = 0;
        for (patience p; (pushed = queue->push_some(some, count)) == 0; p.wait()) {
        }
        done += pushed;
      }
    } else {
      for (std::uint64_t done = 0; done < n;) {
        std::size_t popped = 0;
        for (patience p; (popped = queue->pop_some(some, portion)) == 0; p.wait()) {
        }
        for (std::size_t i = 0; i < popped; ++i) sum += some[i];
        done += popped;
      }
    }
  });
  bench::check(sum == std::uint64_t{n} * (n + 1) / 2, "the sum");
  const double ops = static_cast<double>(n);
  return {ops, {{"element", "ns", bench::better::lower, time / ops}}};
}
