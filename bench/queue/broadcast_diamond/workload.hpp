// A diamond: `first` reads each event, `left` and `right` after it, `last` after both; one thread polls all four, 64
// events at a time. ns per event with the producer on the other core, and CPU time per event where one thread does all.
#pragma once
#include <algorithm>
#include <span>

#include "../common.hpp"

// What the four do with an event; `last` checks that the others were there.
struct stages {
  std::uint64_t first = 0, left = 0, right = 0, last = 0;
  bool fine = true;
  void on_first(std::uint64_t v) { first += v; }
  void on_left(std::uint64_t v) { left ^= v; }
  void on_right(std::uint64_t v) { right += v * 3; }
  void on_last(std::uint64_t v) { last += v; }
  void check(std::uint64_t expected) const {
    bench::check(first == expected && last == expected && right == 3 * expected, "the sums of the stages");
  }
};

// A Diamond has push_some(first, count), which answers how many of the numbers from `first` on it took, and
// poll(stages), which lets each stage take what there is for it and answers how many `last` had.
// `Less`: a contender that takes microseconds per element is measured on fewer.
template <class Diamond, std::size_t Less = 1>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(2'000'000) / 64 / Less * 64;
  const std::uint64_t expected = std::uint64_t{n} * (n + 1) / 2;
  const double ops = static_cast<double>(n);
  double wall = 0, cpu = 0;
  {
    const auto diamond = std::make_unique<Diamond>();
    stages s;
    wall = bench::on_threads(2, [&](unsigned me) {
      patience p;
      if (me == 0) {
        for (std::uint64_t next = 1; next <= n;) {
          const std::size_t did = diamond->push_some(next, (std::min)(std::size_t{64}, n + 1 - next));
          next += did;
          if (did == 0)
            p.wait();
          else
            p = {};
        }
      } else {
        for (std::size_t got = 0; got < n;) {
          const std::size_t did = diamond->poll(s);
          got += did;
          if (did == 0)
            p.wait();
          else
            p = {};
        }
      }
    });
    s.check(expected);
  }
  {
    const auto diamond = std::make_unique<Diamond>();
    stages s;
    (void)bench::on_threads(1, [&](unsigned) {
      const double begin = bench::thread_cpu_ns();
      std::uint64_t next = 1;
      for (std::size_t got = 0; got < n;) {
        if (next <= n) next += diamond->push_some(next, (std::min)(std::size_t{64}, n + 1 - next));
        got += diamond->poll(s);
      }
      cpu = bench::thread_cpu_ns() - begin;
    });
    s.check(expected);
  }
  return {0,
          {{"event", "ns", bench::better::lower, wall / ops},
           {"event, CPU of one thread", "ns", bench::better::lower, cpu / ops}}};
}
