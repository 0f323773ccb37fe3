// common: what the queue workloads share. A Queue has try_push(value) and try_pop(value), both false for "not now".
#pragma once
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "harness.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Waits as every contender does here: pauses, and yields the core after a while, since a core may have two threads.
class patience {
 public:
  void wait() {
    if (++tries_ < 200) {
#if defined(__x86_64__)
      _mm_pause();
#endif
    } else {
      ::sched_yield();
    }
  }

 private:
  unsigned tries_ = 0;
};

template <class Queue>
void push(Queue& queue, std::uint64_t value) {
  for (patience p; !queue.try_push(value); p.wait()) {
  }
}
template <class Queue>
std::uint64_t pop(Queue& queue) {
  std::uint64_t value = 0;
  for (patience p; !queue.try_pop(value); p.wait()) {
  }
  return value;
}

// A thread's way into a queue: the handle of its role where the queue has one, else the queue.
template <class Queue>
decltype(auto) way_in(Queue& queue) {
  if constexpr (requires { typename Queue::producer; })
    return typename Queue::producer(queue);
  else
    return (queue);
}
template <class Queue>
decltype(auto) way_out(Queue& queue) {
  if constexpr (requires { typename Queue::consumer; })
    return typename Queue::consumer(queue);
  else
    return (queue);
}

template <class Queue>
bench::outcome stream(const bench::settings& settings, unsigned producers, unsigned consumers) {
  const std::size_t n = settings.scaled(4'000'000) / producers * producers;
  auto queue = std::make_unique<Queue>();
  std::atomic<std::uint64_t> sum{0};
  std::atomic<std::uint64_t> left{n};
  const double time = bench::on_threads(producers + consumers, [&](unsigned me) {
    if (me < producers) {
      auto&& to = way_in(*queue);
      for (std::uint64_t i = me + 1; i <= n; i += producers) push(to, i);
    } else {
      auto&& from = way_out(*queue);
      std::uint64_t mine = 0;
      const std::uint64_t share = n / consumers;
      for (std::uint64_t i = 0; i < share; ++i) mine += pop(from);
      sum += mine;
    }
  });
  bench::check(sum.load() == std::uint64_t{n} * (n + 1) / 2, "the sum");
  const double ops = static_cast<double>(n);
  return {ops, {{"element", "ns", bench::better::lower, time / ops}}};
}
