// What one thread asks of malloc, in ns of its CPU time per allocation with its release. pair: one block, at once back.
// batch: a thousand, then all back. random: 20,000 live, each step replaces one at random; mixed is of 16 to 256 bytes.
// large: 64 live of 32 to 96 KiB. Each block's first word is written, and read again before the block goes.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "../adapters/heaps.hpp"

struct heap_work {
  const bench::settings& settings;
  heap_functions heap;
  std::uint64_t put = 0, got = 0;

  std::uint64_t* make(std::size_t size, std::uint64_t value) {
    auto* p = static_cast<std::uint64_t*>(heap.allocate(size));
    *p = value;
    put += value;
    return p;
  }
  void drop(std::uint64_t* p) {
    got += *p;
    heap.release(p);
  }

  double pair(std::size_t size) {
    const std::size_t n = settings.scaled(2'000'000);
    const double start = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      std::uint64_t* p = make(size, i);
      bench::keep(p);
      drop(p);
    }
    return (bench::thread_cpu_ns() - start) / static_cast<double>(n);
  }

  double batch(std::size_t size) {
    static std::array<std::uint64_t*, 1000> blocks;
    const std::size_t n = settings.scaled(1000);
    const double start = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      for (auto& p : blocks) p = make(size, i);
      for (std::uint64_t* p : blocks) drop(p);
    }
    return (bench::thread_cpu_ns() - start) / static_cast<double>(n * blocks.size());
  }

  double replace(block_sizes sizes, std::uint32_t live, std::size_t n) {
    random_numbers random;
    std::vector<std::uint64_t*> blocks(live);
    for (auto& p : blocks) p = make(sizes.next(random), 1);
    const double start = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < n; ++i) {
      std::uint64_t*& p = blocks[random.below(live)];
      drop(p);
      p = make(sizes.next(random), i);
    }
    const double time = bench::thread_cpu_ns() - start;
    for (std::uint64_t* p : blocks) drop(p);
    return time / static_cast<double>(n);
  }
};

inline bench::outcome measure(const bench::settings& settings, heap_functions heap) {
  heap_work w{settings, heap};
  bench::outcome o;
  const auto add = [&](const char* metric, double ns) {
    o.measures.push_back({metric, "ns", bench::better::lower, ns});
  };
  add("pair_16", w.pair(16));
  add("pair_64", w.pair(64));
  add("pair_256", w.pair(256));
  add("batch_16", w.batch(16));
  add("batch_64", w.batch(64));
  add("batch_256", w.batch(256));
  add("random_64", w.replace({64, 1}, 20'000, settings.scaled(1'000'000)));
  add("random_mixed", w.replace({16, 241}, 20'000, settings.scaled(1'000'000)));
  add("large", w.replace({32 * 1024, 64 * 1024 + 1}, 64, settings.scaled(100'000)));
  bench::check(w.put == w.got, "the sum of the first words");
  return o;
}
