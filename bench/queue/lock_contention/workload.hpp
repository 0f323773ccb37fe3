// What a lock costs: alone (ns of CPU per lock and unlock), by two threads on two cores that do nothing else (ns of
// wall time per lock and unlock of both), and with some work outside it (the same).
#pragma once
#include <cstdint>
#include <memory>

#include "harness.hpp"

// Form: lock() and unlock(). What they protect is counted in two words of a line of its own.
template <class Form>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(2'000'000);
  struct state {
    alignas(128) Form form;
    alignas(128) std::uint64_t count = 0;
    std::uint64_t twice = 0;
  };
  auto s = std::make_unique<state>();
  const auto work = [&](unsigned pause) {
    for (std::size_t i = 0; i < n; ++i) {
      s->form.lock();
      s->count += 1;
      s->twice += 2;
      s->form.unlock();
      std::uint64_t spent = i;
      for (unsigned k = 0; k < pause; ++k) bench::keep(spent *= 3);
    }
  };
  bench::pin(0);
  const double begin = bench::thread_cpu_ns();
  work(0);
  const double ops = static_cast<double>(n);
  const double alone = (bench::thread_cpu_ns() - begin) / ops;
  const double busy = bench::on_threads(2, [&](unsigned) { work(0); }) / (2 * ops);
  const double spaced = bench::on_threads(2, [&](unsigned) { work(100); }) / (2 * ops);
  bench::check(s->count == 5 * n && s->twice == 10 * n, "the counts");
  return {5 * ops,
          {{"alone", "ns", bench::better::lower, alone},
           {"contended", "ns", bench::better::lower, busy},
           {"spaced", "ns", bench::better::lower, spaced}}};
}
