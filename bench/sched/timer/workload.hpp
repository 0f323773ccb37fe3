// 10,000 connections with an idle timeout: each step cancels one timer and sets it anew, time goes on and few ever
// fire. ns per cancel and add, with the share of advancing the clock.
#pragma once
#include <thread>
#include <vector>

#include "harness.hpp"

// Timers has void set(i, at_ms) (cancels what i had), and std::size_t advance(now_ms): how many fired.
template <class Timers>
bench::outcome timeouts(const bench::settings& settings, Timers& timers) {
  std::thread([] {}).join();  // a program of one thread would not need the locks, and the C library skips them there
  constexpr std::size_t connections = 10'000;
  const std::size_t n = settings.scaled(3'000'000);
  std::uint64_t now = 1000;
  for (std::size_t i = 0; i < connections; ++i) timers.set(i, now + 30'000);
  std::uint64_t x = 1;
  std::size_t fired = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    timers.set((x >> 33) % connections, now + 30'000);
    if (i % 1000 == 999) fired += timers.advance(++now);
  }
  const double time = bench::thread_cpu_ns() - start;
  bench::check(fired == 0, "a timer fired that was set anew");
  fired = timers.advance(now + 40'000);
  bench::check(fired == connections, "each timer fires once in the end");
  const double ops = static_cast<double>(n);
  return {ops, {{"cancel_and_add", "ns", bench::better::lower, time / ops}}};
}
