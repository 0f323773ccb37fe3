// A task handed to a pool of one worker from outside. hot: the worker waits awake, and the caller sees that the task
// has run: a round trip, beside `limit` two_line_round_trip, which is the same without a pool. parked: the worker has
// gone to sleep on the other core; from before the submit to when the task runs, beside `limit` futex_wake, which is
// the same with a bare futex. each: 100,000 tasks submitted one by one, until all have run, by two workers. bulk: 1,000
// tasks at once to two sleeping workers, per task.
#pragma once
#include <linux/futex.h>
#include <sys/syscall.h>

#include "sched/adapters/pools.hpp"
#include "sched/crew.hpp"

struct alignas(128) stamp {
  std::atomic<std::uint64_t> x{0};
};

inline void busy_for(double ns) {
  for (const double end = bench::now_ns() + ns; bench::now_ns() < end;) continue;
}
inline void await_value(const stamp& s, std::uint64_t value) {
  for (unsigned spins = 0; s.x.load(std::memory_order_acquire) != value; ++spins)
    if (spins > 100'000) std::this_thread::yield();
}

// The core that is not the caller's goes idle while the caller is busy, as long as pools spin at most; then
// `wake(ran_at)` has the sleeper store the time. Median of what that takes, in ns.
template <class Wake>
double parked(const bench::settings& s, double spin_ns, Wake wake) {
  std::vector<double> times;
  for (std::size_t i = 0; i < s.scaled(200); ++i) {
    std::atomic<double> ran_at{0};
    busy_for(spin_ns);
    const double start = bench::now_ns();
    wake(ran_at);
    while (ran_at.load(std::memory_order_acquire) == 0) continue;
    times.push_back(ran_at.load(std::memory_order_relaxed) - start);
  }
  return crews::median(times);
}

constexpr double until_parked = 500e3;  // ns

template <class Pool>
double hot_round_trip(const bench::settings& s, Pool& pool) {
  stamp answer;
  std::vector<double> windows;
  std::uint64_t done = 0;
  for (int w = 0; w < 20; ++w) {
    constexpr std::uint64_t n = 1000;
    const double start = bench::now_ns();
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t mine = ++done;
      pool.post([&answer, mine] { answer.x.store(mine, std::memory_order_release); });
      await_value(answer, mine);
    }
    windows.push_back((bench::now_ns() - start) / static_cast<double>(n));
  }
  (void)s;
  return crews::median(windows);
}

template <class Pool>
bench::outcome measure(const bench::settings& s) {
  using bench::better;
  bench::outcome all;
  crews::unpin();
  {
    Pool pool(1);
    pool.run([] {});
    crews::pin_crew(2, true);
    all.measures.push_back({"hot", "ns", better::lower, hot_round_trip(s, pool)});
    const double wake = parked(s, until_parked, [&](std::atomic<double>& ran_at) {
      pool.post([&ran_at] { ran_at.store(bench::now_ns(), std::memory_order_release); });
    });
    all.measures.push_back({"parked", "ns", better::lower, wake});
  }
  crews::unpin();
  {
    Pool pool(2);
    pool.run([] {});
    std::atomic<std::size_t> ran{0};
    const auto all_ran = [&](std::size_t n) {
      while (ran.load(std::memory_order_acquire) != n) std::this_thread::yield();
    };
    const std::size_t n = s.scaled(100'000);
    double start = bench::now_ns();
    for (std::size_t i = 0; i < n; ++i) pool.post([&ran] { ran.fetch_add(1, std::memory_order_acq_rel); });
    all_ran(n);
    all.measures.push_back({"each", "ns", better::lower, (bench::now_ns() - start) / static_cast<double>(n)});
    std::vector<double> times;
    for (int i = 0; i < 20; ++i) {
      ran.store(0);
      busy_for(until_parked);
      start = bench::now_ns();
      if constexpr (requires { pool.post_all(std::size_t{1}, [] {}); })
        pool.post_all(1000, [&ran] { ran.fetch_add(1, std::memory_order_acq_rel); });
      else
        for (int t = 0; t < 1000; ++t) pool.post([&ran] { ran.fetch_add(1, std::memory_order_acq_rel); });
      all_ran(1000);
      times.push_back((bench::now_ns() - start) / 1000);
    }
    all.measures.push_back({"bulk", "ns", better::lower, crews::median(times)});
  }
  return all;
}
