// A shared object of two words: it is made and dropped; a pointer to it is copied and the copy dropped; by one thread,
// and by two at once on one object. ns per round.
#pragma once
#include "harness.hpp"

// `make(n)` answers a pointer to an object whose `number` is n.
template <bool TwoThreads = true, class Make>
bench::outcome share(const bench::settings& settings, Make make) {
  const std::size_t n = settings.scaled(5'000'000);
  const double ops = static_cast<double>(n);
  std::uint64_t sum = 0, want = 0;

  double start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    auto p = make(i);
    bench::keep(p);
    sum += p->number;
  }
  const double made = bench::thread_cpu_ns() - start;

  auto shared = make(std::size_t{1});
  start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    auto copy = shared;
    bench::keep(copy);
    sum += copy->number;
  }
  const double copied = bench::thread_cpu_ns() - start;
  for (std::size_t i = 0; i < n; ++i) want += i + 1;
  bench::check(sum == want, "the numbers read through the pointers");

  bench::outcome out{
      ops,
      {{"make_drop", "ns", bench::better::lower, made / ops}, {"copy_drop", "ns", bench::better::lower, copied / ops}}};
  if constexpr (TwoThreads) {
    const double both = bench::on_threads(2, [&](unsigned) {
      for (std::size_t i = 0; i < n / 4; ++i) {
        auto copy = shared;
        bench::keep(copy);
      }
    });
    out.measures.push_back({"copy_drop_2t", "ns", bench::better::lower, both / (ops / 4)});
  }
  return out;
}
