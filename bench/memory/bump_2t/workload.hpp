// Two threads make 10,000 small objects of mixed sizes (8 to 120 bytes) a round, then all are dropped at once: what
// several threads build together. Wall ns per allocation of each thread, the drop included.
#pragma once
#include <atomic>
#include <barrier>
#include <vector>

#include "harness.hpp"

// Shared has thread_part part(thread), which has void* take(size, alignment); void reset(), when nobody takes.
template <class Shared>
bench::outcome fill_together(const bench::settings& settings, Shared& shared) {
  constexpr std::size_t objects = 10'000, threads = 2;
  const std::size_t rounds = settings.scaled(200);
  std::uint64_t sums[threads] = {};
  std::barrier meet(static_cast<std::ptrdiff_t>(threads), [&]() noexcept { shared.reset(); });
  const double time = bench::on_threads(threads, [&](unsigned t) {
    auto part = shared.part(t);
    std::vector<std::uint64_t*> made(objects);
    std::uint64_t sum = 0;
    for (std::size_t r = 0; r < rounds; ++r) {
      for (std::size_t i = 0; i < objects; ++i) {
        made[i] = static_cast<std::uint64_t*>(part.take(8 + (i * 8) % 120, 8));
        *made[i] = i + t;
      }
      for (std::size_t i = 0; i < objects; ++i) sum += *made[i];
      meet.arrive_and_wait();
    }
    sums[t] = sum;
  });
  for (std::size_t t = 0; t < threads; ++t)
    bench::check(sums[t] == rounds * (objects * (objects - 1) / 2 + t * objects), "an object was overwritten");
  return {0, {{"allocation", "ns", bench::better::lower, time / static_cast<double>(rounds * objects)}}};
}
