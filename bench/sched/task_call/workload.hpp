// A coroutine awaits another one that answers a number; and a recursion of them, fib(20), where each call is a frame.
// ns per call.
#pragma once
#include "harness.hpp"

inline std::uint64_t fib_of(unsigned n) { return n < 2 ? n : fib_of(n - 1) + fib_of(n - 2); }

// run(n): n awaited calls of leaf(i) answer the sum; fib(n).
template <class Run, class Fib>
bench::outcome calls(const bench::settings& settings, Run run, Fib fib) {
  const std::size_t n = settings.scaled(5'000'000);
  double start = bench::thread_cpu_ns();
  const std::uint64_t sum = run(n);
  const double loop = bench::thread_cpu_ns() - start;
  bench::check(sum == std::uint64_t{n} * (n - 1) / 2, "the sum");
  constexpr unsigned depth = 20;
  const double fib_calls = 21891;  // calls of fib(20)
  const std::size_t rounds = settings.scaled(100);
  start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < rounds; ++i) bench::check(fib(depth) == fib_of(depth), "fib");
  const double tree = bench::thread_cpu_ns() - start;
  return {0,
          {{"call", "ns", bench::better::lower, loop / static_cast<double>(n)},
           {"fib_call", "ns", bench::better::lower, tree / (fib_calls * static_cast<double>(rounds))}}};
}
