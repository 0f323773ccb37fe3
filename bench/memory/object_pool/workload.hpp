// 1,024 objects of 64 bytes live; each step drops one at random and makes another. ns per drop and make.
#pragma once
#include <array>

#include "harness.hpp"

struct particle {
  explicit particle(std::uint64_t v) : value(v) {}
  std::uint64_t value;
  std::uint64_t rest[7]{};
};

// Pool has particle* make(v) and void drop(particle*).
template <class Pool>
bench::outcome churn(const bench::settings& settings, Pool& pool) {
  const std::size_t n = settings.scaled(5'000'000);
  static std::array<particle*, 1024> live;
  for (std::size_t i = 0; i < live.size(); ++i) live[i] = pool.make(0);
  std::uint64_t x = 1, put = 0, got = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    particle*& p = live[x >> 54];
    got += p->value;
    pool.drop(p);
    p = pool.make(i);
    put += i;
  }
  const double time = bench::thread_cpu_ns() - start;
  for (particle* p : live) {
    got += p->value;
    pool.drop(p);
  }
  bench::check(put == got, "the sum of the values");
  const double ops = static_cast<double>(n);
  return {ops, {{"drop_and_make", "ns", bench::better::lower, time / ops}}};
}
