// Work handed to a pool of threads for blocking calls: one piece at a time, waited for (latency), and a thousand at
// once on at most 8 threads (CPU time of the whole process per piece).
#pragma once
#include <atomic>
#include <thread>

#include "harness.hpp"

// submit(f): f() on some thread. finish(): waits until all of it has run.
template <class Submit>
bench::outcome blocking(const bench::settings& settings, Submit submit) {
  const std::size_t one_by_one = settings.scaled(20'000);
  std::atomic<std::uint32_t> ran{0};
  const double start = bench::now_ns();
  for (std::uint32_t i = 0; i < one_by_one; ++i) {
    submit([&] {
      ran.fetch_add(1);
      ran.notify_one();
    });
    ran.wait(i);
  }
  const double round_trip = (bench::now_ns() - start) / static_cast<double>(one_by_one);
  bench::check(ran == one_by_one, "each ran");
  const std::size_t batches = settings.scaled(100);
  ran = 0;
  const double before = bench::process_cpu_ns();
  for (std::uint32_t b = 1; b <= batches; ++b) {
    for (int i = 0; i < 1000; ++i)
      submit([&] {
        if (ran.fetch_add(1) % 1000 == 999) ran.notify_one();
      });
    for (std::uint32_t seen = ran; seen < b * 1000; seen = ran) ran.wait(seen);
  }
  const double batch = (bench::process_cpu_ns() - before) / (1000 * static_cast<double>(batches));
  bench::check(ran == batches * 1000, "each ran");
  return {0,
          {{"round_trip", "ns", bench::better::lower, round_trip}, {"batch_cpu", "ns", bench::better::lower, batch}}};
}
