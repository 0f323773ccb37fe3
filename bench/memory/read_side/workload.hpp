// One thread reads a shared object again and again, and protects it each time; nobody writes. ns per protected read
// (one object; and where a contender can hold several reads under one protection, ns per pin and unpin).
#pragma once
#include <atomic>
#include <cstdint>

#include "harness.hpp"

struct object {
  std::uint64_t value = 1;
};

// Scheme: read() answers the value of the shared object, read under protection.
template <class Scheme>
bench::outcome reads(const bench::settings& settings, Scheme& scheme) {
  const std::size_t n = settings.scaled(20'000'000);
  std::uint64_t sum = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    sum += scheme.read();
    asm volatile("" ::: "memory");  // each read is one of its own
  }
  const double time = bench::thread_cpu_ns() - start;
  bench::check(sum == n, "the sum of the values");
  const double ops = static_cast<double>(n);
  return {ops, {{"protected_read", "ns", bench::better::lower, time / ops}}};
}
