// 10,000 connections with an idle timeout in a pool: a task on one of its two workers sets one timer after another
// anew, half a minute from now by the clock. ns each.
#pragma once
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "harness.hpp"

inline constexpr std::size_t connections = 10'000;
inline constexpr std::chrono::seconds idle_limit{30};

// Timers has void run(f), which calls f on a thread of the pool and waits for it; void set(i), which cancels what i
// had; std::size_t fired().
template <class Timers>
bench::outcome pool_timeouts(const bench::settings& settings, Timers& timers) {
  const std::size_t n = settings.scaled(1'000'000);
  double time = 0;
  timers.run([&] {
    for (std::size_t i = 0; i < connections; ++i) timers.set(i);
    std::uint64_t x = 1;
    const double start = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      timers.set((x >> 33) % connections);
    }
    time = bench::thread_cpu_ns() - start;
  });
  bench::check(timers.fired() == 0, "a timer fired that was set anew");
  const double ops = static_cast<double>(n);
  return {ops, {{"set_anew", "ns", bench::better::lower, time / ops}}};
}
