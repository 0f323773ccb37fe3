// Pools behind std::pmr::memory_resource, in ns of CPU time. replace_64, replace_mixed: 1,024 blocks live, each step
// deallocates one at random and allocates another, of 64 bytes or of 16 to 256. batch_64: 1,024 are allocated, then all
// deallocated, per block. map: a std::pmr::map of 1,000 numbers is filled and cleared, per element.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory_resource>

#include "../adapters/heaps.hpp"

inline double replace_blocks(const bench::settings& settings, std::pmr::memory_resource& r, block_sizes sizes) {
  struct block {
    std::uint64_t* at;
    std::size_t size;
  };
  const std::size_t n = settings.scaled(1'000'000);
  static std::array<block, 1024> live;
  random_numbers random;
  std::uint64_t put = 0, got = 0;
  const auto make = [&](block& b, std::uint64_t value) {
    b.size = sizes.next(random);
    b.at = static_cast<std::uint64_t*>(r.allocate(b.size));
    *b.at = value;
    put += value;
  };
  const auto drop = [&](const block& b) {
    got += *b.at;
    r.deallocate(b.at, b.size);
  };
  for (block& b : live) make(b, 1);
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    block& b = live[random.below(1024)];
    drop(b);
    make(b, i);
  }
  const double time = bench::thread_cpu_ns() - start;
  for (const block& b : live) drop(b);
  bench::check(put == got, "the sum of the first words");
  return time / static_cast<double>(n);
}

inline double batch(const bench::settings& settings, std::pmr::memory_resource& r) {
  const std::size_t n = settings.scaled(1000);
  static std::array<std::uint64_t*, 1024> live;
  std::uint64_t put = 0, got = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    for (auto& p : live) {
      p = static_cast<std::uint64_t*>(r.allocate(64));
      *p = i;
      put += i;
    }
    for (std::uint64_t* p : live) {
      got += *p;
      r.deallocate(p, 64);
    }
  }
  const double time = bench::thread_cpu_ns() - start;
  bench::check(put == got, "the sum of the first words");
  return time / static_cast<double>(n * live.size());
}

inline double fill_map(const bench::settings& settings, std::pmr::memory_resource& r) {
  constexpr std::uint32_t elements = 1000;
  const std::size_t n = settings.scaled(200);
  std::uint64_t got = 0;
  std::pmr::map<std::uint32_t, std::uint32_t> map(&r);
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::uint32_t k = 0; k < elements; ++k) map.emplace_hint(map.end(), k, k);
    got += map.size();
    map.clear();
  }
  const double time = bench::thread_cpu_ns() - start;
  bench::check(got == n * elements, "the number of elements");
  return time / static_cast<double>(n * elements);
}

inline bench::outcome measure(const bench::settings& settings, std::pmr::memory_resource& resource) {
  std::pmr::memory_resource* r = &resource;
  asm volatile("" : "+r"(r));  // the type is not known: the calls are virtual for all
  return {0,
          {{"replace_64", "ns", bench::better::lower, replace_blocks(settings, *r, {64, 1})},
           {"replace_mixed", "ns", bench::better::lower, replace_blocks(settings, *r, {16, 241})},
           {"batch_64", "ns", bench::better::lower, batch(settings, *r)},
           {"map", "ns", bench::better::lower, fill_map(settings, *r)}}};
}
