// A buffer of 4 KiB is taken, shared once, and both are dropped, on one thread. ns per round.
#pragma once
#include "harness.hpp"

template <class Take>
bench::outcome lease(const bench::settings& settings, Take take) {
  const std::size_t n = settings.scaled(5'000'000);
  std::uint64_t sum = 0;
  const double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    auto first = take();
    auto second = first;  // shares
    first->data()[0] = static_cast<std::byte>(i & 0xff);
    sum += static_cast<std::uint64_t>(second->data()[0]);
  }
  const double time = bench::thread_cpu_ns() - start;
  std::uint64_t want = 0;
  for (std::size_t i = 0; i < n; ++i) want += i & 0xff;
  bench::check(sum == want, "the bytes read through the second owner");
  const double ops = static_cast<double>(n);
  return {ops, {{"take_share_drop", "ns", bench::better::lower, time / ops}}};
}
