// 1,024 blocks of 64 bytes live; each step frees one at random and takes another. ns per free and take, of what each
// allocator around a block_pool, and around malloc, costs.
#pragma once
#include <array>
#include <cstring>

#include "harness.hpp"

#include <frys/memory/block_pool.hpp>
#include <frys/memory/system_allocator.hpp>

template <class Allocator>
bench::outcome churn(const bench::settings& settings, Allocator& a, std::size_t steps = 5'000'000) {
  const std::size_t n = settings.scaled(steps);
  static std::array<std::uint64_t*, 1024> live;
  const auto make = [&a](std::uint64_t v) {
    auto* p = static_cast<std::uint64_t*>(*a.allocate(64, 16));
    *p = v;
    return p;
  };
  for (std::uint64_t*& p : live) p = make(0);
  std::uint64_t x = 1, put = 0, got = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    std::uint64_t*& p = live[x >> 54];
    got += *p;
    a.deallocate(p, 64, 16);
    p = make(i);
    put += i;
  }
  const double time = bench::thread_cpu_ns() - start;
  for (std::uint64_t* p : live) {
    got += *p;
    a.deallocate(p, 64, 16);
  }
  bench::check(put == got, "the sum of the values");
  const double ops = static_cast<double>(n);
  return {ops, {{"free_and_take", "ns", bench::better::lower, time / ops}}};
}
using bare = frys::block_pool<64>;
