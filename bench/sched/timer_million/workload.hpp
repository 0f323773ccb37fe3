// A million timers pending, due over ten minutes: ns to set one that was not set, to cancel one, to ask when the next
// one is due after each change; bytes per timer, and allocations while timers come and go.
#pragma once
#include <thread>
#include <vector>

#include "harness.hpp"

namespace bench {
std::size_t allocations();  // of this program so far; allocated bytes that are in use
std::size_t allocated_bytes();
}  // namespace bench

// Timers(count) has room for `count`; set(i, at_ms), cancel(i), next_ms(), advance(now_ms): how many fired.
template <class Timers>
bench::outcome million(const bench::settings& settings) {
  std::thread([] {}).join();  // a program of one thread would not need the locks, and the C library skips them there
  constexpr std::size_t pending = 1'000'000, batch = 10'000;
  const std::size_t bytes_before = bench::allocated_bytes();
  Timers timers(pending + batch);
  std::uint64_t x = 1;
  const auto random = [&x](std::uint64_t below) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    return (x >> 33) % below;
  };
  const auto when = [&] { return 1'000 + random(600'000); };
  for (std::size_t i = 0; i < pending; ++i) timers.set(i, when());
  const double bytes = static_cast<double>(bench::allocated_bytes() - bytes_before) / static_cast<double>(pending);
  const std::size_t rounds = settings.scaled(100);
  std::vector<std::size_t> out(batch);
  for (std::size_t k = 0; k < batch; ++k) out[k] = pending + k;  // those that are not set
  std::vector<std::uint64_t> at(batch);
  std::vector<std::size_t> of(pending);  // which timer stands at place i of those that are set
  for (std::size_t i = 0; i < pending; ++i) of[i] = i;
  double setting = 0, cancelling = 0, asking = 0;
  std::uint64_t sum = 0;
  const std::size_t allocations_before = bench::allocations();
  for (std::size_t r = 0; r < rounds; ++r) {
    for (std::uint64_t& a : at) a = when();
    double start = bench::thread_cpu_ns();
    for (std::size_t k = 0; k < batch; ++k) timers.set(out[k], at[k]);
    setting += bench::thread_cpu_ns() - start;
    start = bench::thread_cpu_ns();
    for (std::size_t k = 0; k < batch; ++k) {
      sum += timers.next_ms();
      bench::keep(sum);
    }
    asking += bench::thread_cpu_ns() - start;
    for (std::size_t k = 0; k < batch; ++k) {  // as many others go
      const std::size_t place = random(pending);
      const std::size_t victim = of[place];
      of[place] = out[k];
      out[k] = victim;
    }
    start = bench::thread_cpu_ns();
    for (std::size_t k = 0; k < batch; ++k) timers.cancel(out[k]);
    cancelling += bench::thread_cpu_ns() - start;
  }
  const double allocated = static_cast<double>(bench::allocations() - allocations_before);
  bench::check(timers.next_ms() <= 601'000 && timers.advance(999) == 0, "nothing is due yet");
  bench::check(timers.advance(700'000) == pending, "each timer that is set fires once");
  const double n = static_cast<double>(rounds * batch);
  return {n,
          {{"set_and_cancel", "ns", bench::better::lower, (setting + cancelling) / n},
           {"set", "ns", bench::better::lower, setting / n},
           {"cancel", "ns", bench::better::lower, cancelling / n},
           {"next_deadline", "ns", bench::better::lower, asking / n},
           {"bytes_per_timer", "bytes", bench::better::lower, bytes},
           {"allocations_per_set", "allocations", bench::better::lower, allocated / n}}};
}
