// Blocks out of memory that processes share: one of 64 bytes is taken and given back, ns per round, by one thread and
// by two at once; 1000 of 16 to 256 bytes are taken, and given back in random order, ns per block.
#pragma once
#include "harness.hpp"

#include <cstring>
#include <vector>

// `take(size)` answers a block, `give(block, size)` gives it back.
template <class Take, class Give>
bench::outcome blocks(const bench::settings& settings, Take take, Give give) {
  const auto pairs = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      void* const p = take(std::size_t{64});
      bench::keep(p);
      *static_cast<std::size_t*>(p) = i;
      give(p, std::size_t{64});
    }
  };
  const std::size_t n = settings.scaled(2'000'000);
  double start = bench::thread_cpu_ns();
  pairs(n);
  const double pair = (bench::thread_cpu_ns() - start) / static_cast<double>(n);
  const double both = bench::on_threads(2, [&](unsigned) { pairs(n / 4); }) / static_cast<double>(n / 4);

  constexpr std::size_t crowd = 1000;
  const std::size_t rounds = settings.scaled(1'000);
  std::vector<void*> held(crowd);
  std::vector<std::size_t> sizes(crowd), order(crowd);
  std::size_t state = 12345;
  for (std::size_t i = 0; i < crowd; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    sizes[i] = 16 + (state >> 33) % 241;
    order[i] = i;
  }
  for (std::size_t i = crowd - 1; i > 0; --i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::swap(order[i], order[(state >> 33) % (i + 1)]);
  }
  std::uint64_t sum = 0;
  start = bench::thread_cpu_ns();
  for (std::size_t r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < crowd; ++i) {
      held[i] = take(sizes[i]);
      *static_cast<std::size_t*>(held[i]) = i;
    }
    for (const std::size_t i : order) {
      sum += *static_cast<std::size_t*>(held[i]);
      give(held[i], sizes[i]);
    }
  }
  const double batch = (bench::thread_cpu_ns() - start) / static_cast<double>(rounds * crowd);
  bench::check(sum == rounds * (crowd * (crowd - 1) / 2), "the numbers in the blocks");
  return {static_cast<double>(n),
          {{"pair_64", "ns", bench::better::lower, pair},
           {"pair_64_2t", "ns", bench::better::lower, both},
           {"batch_16_256", "ns", bench::better::lower, batch}}};
}
