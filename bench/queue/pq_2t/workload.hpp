// A priority queue of 64 Ki numbers at random; two threads on two cores, each pops one and pushes another in turn. ns
// of wall time per pop and push. `filled`: how long two threads take to push and then to pop all.
#pragma once
#include "../common.hpp"

// Queue: handle() answers, for each thread, something with push(value) and pop(value), false when empty.
template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(1'000'000);
  constexpr std::size_t kept = 64 * 1024;
  auto queue = std::make_unique<Queue>();
  const auto next = [](std::uint64_t& dice) {
    dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
    return dice >> 16;
  };
  std::uint64_t in[2] = {0, 0}, out[2] = {0, 0};
  std::size_t misses[2] = {0, 0};
  double times[3];
  times[0] = bench::on_threads(2, [&](unsigned me) {
    auto handle = queue->handle();
    std::uint64_t dice = 88172645463325252u + me, sum = 0;
    for (std::size_t i = 0; i < kept / 2; ++i) {
      const std::uint64_t v = next(dice);
      sum += v;
      handle.push(v);
    }
    in[me] += sum;
  });
  times[1] = bench::on_threads(2, [&](unsigned me) {
    auto handle = queue->handle();
    std::uint64_t dice = 362436069u + me, sum = 0, gone = 0;
    for (std::size_t i = 0; i < n; ++i) {
      std::uint64_t v = 0;
      if (!handle.pop(v)) ++misses[me];
      gone += v;
      const std::uint64_t w = v + next(dice) / 1024;  // later than what was popped, as events are
      sum += w;
      handle.push(w);
    }
    in[me] += sum, out[me] += gone;
  });
  times[2] = bench::on_threads(2, [&](unsigned me) {
    auto handle = queue->handle();
    std::uint64_t gone = 0;
    for (std::uint64_t v = 0; handle.pop(v);) gone += v;
    out[me] += gone;
  });
  bench::check(misses[0] + misses[1] == 0, "a value at each pop");
  bench::check(in[0] + in[1] == out[0] + out[1], "the sum");
  const double ops = 2 * static_cast<double>(n);
  return {ops,
          {{"pop_and_push", "ns", bench::better::lower, times[1] / ops},
           {"fill_and_drain", "ns", bench::better::lower, (times[0] + times[2]) / static_cast<double>(kept)}}};
}
