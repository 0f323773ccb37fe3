// Two threads on two cores, wall ns per allocation with its release by one of them. own: each replaces its own 10,000
// blocks of 16 to 256 bytes at random; kept: what part of the rate of one thread alone each keeps. exchange: each step
// puts a new block in the place of another in a table that both use, and frees what was there, whoever made it;
// exchange_cpu: the same in CPU time of a thread.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "../adapters/heaps.hpp"

inline constexpr block_sizes thread_sizes{16, 241};

inline double replace_own(std::size_t n, heap_functions heap, unsigned threads) {
  std::array<std::uint64_t, 2> put{}, got{};
  const double time = bench::on_threads(threads, [&](unsigned core) {
    random_numbers random{2463534242u + core};
    std::uint64_t in = 0, out = 0;
    std::vector<std::uint64_t*> blocks(10'000);
    const auto make = [&](std::uint64_t value) {
      auto* p = static_cast<std::uint64_t*>(heap.allocate(thread_sizes.next(random)));
      *p = value;
      in += value;
      return p;
    };
    const auto drop = [&](std::uint64_t* p) {
      out += *p;
      heap.release(p);
    };
    for (auto& p : blocks) p = make(core);
    for (std::size_t i = 0; i < n; ++i) {
      std::uint64_t*& p = blocks[random.below(10'000)];
      drop(p);
      p = make(i);
    }
    for (std::uint64_t* p : blocks) drop(p);
    put[core] = in, got[core] = out;
  });
  bench::check(put == got, "the sums of the first words");
  return time / static_cast<double>(n);
}

inline double exchange(std::size_t n, heap_functions heap) {
  constexpr std::uint32_t places = 4096;
  const auto table = std::make_unique<std::array<std::atomic<std::uint64_t*>, places>>();
  std::array<std::uint64_t, 2> put{}, got{};
  const double time = bench::on_threads(2, [&](unsigned core) {
    random_numbers random{2463534242u + core};
    std::uint64_t in = 0, out = 0;
    for (std::size_t i = 0; i < n; ++i) {
      auto* p = static_cast<std::uint64_t*>(heap.allocate(thread_sizes.next(random)));
      *p = i;
      in += i;
      // Acquire and release: the other thread's first word comes with its block.
      p = (*table)[random.below(places)].exchange(p, std::memory_order_acq_rel);
      if (p == nullptr) continue;
      out += *p;
      heap.release(p);
    }
    put[core] = in, got[core] = out;
  });
  for (auto& cell : *table) {
    std::uint64_t* p = cell.load(std::memory_order_relaxed);
    if (p == nullptr) continue;
    got[0] += *p;
    heap.release(p);
  }
  bench::check(put[0] + put[1] == got[0] + got[1], "the sum of the first words");
  return time / static_cast<double>(n);
}

inline bench::outcome measure(const bench::settings& settings, heap_functions heap) {
  const std::size_t n = settings.scaled(1'000'000);
  const double cpu = bench::process_cpu_ns();
  const double exchanged = exchange(n, heap);
  const double exchanged_cpu = (bench::process_cpu_ns() - cpu) / static_cast<double>(2 * n);
  const double alone = replace_own(n, heap, 1), both = replace_own(n, heap, 2);
  return {0,
          {{"own", "ns", bench::better::lower, both},
           {"kept", "x", bench::better::higher, alone / both},
           {"exchange", "ns", bench::better::lower, exchanged},
           {"exchange_cpu", "ns", bench::better::lower, exchanged_cpu}}};
}
