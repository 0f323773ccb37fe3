// common: what the queue workloads share. A Queue has try_push(value) and try_pop(value), both false for "not now", or
// the types `producer` and `consumer`, made from it, which have them. adapters/ makes Queues of frys' and of peers'.
#pragma once
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "harness.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

inline void pause_core() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Waits as every contender does here: pauses, and yields the core after a while, since a core may have two threads.
class patience {
 public:
  void wait() {
    if (++tries_ < 200)
      pause_core();
    else
      ::sched_yield();
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
// Pops until all of `left` are gone, whoever popped them: were each consumer to stop at a share of its own, what the
// handle of a bag has taken ahead would never come out. Answers the sum of what came out here.
template <class Queue>
std::uint64_t drain(Queue& queue, std::atomic<std::uint64_t>& left) {
  std::uint64_t sum = 0, count = 0;
  for (std::uint64_t value = 0;; sum += value, ++count)
    for (patience p; !queue.try_pop(value); p.wait()) {
      if (count != 0) left -= std::exchange(count, 0);
      if (left.load(std::memory_order_relaxed) == 0) return sum;
    }
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

// Producers hand elements to consumers. Of threads that share a core, one is a producer and one a consumer where the
// numbers allow it.
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
      sum += drain(from, left);
    }
  });
  bench::check(sum.load() == std::uint64_t{n} * (n + 1) / 2, "the sum");
  const double ops = static_cast<double>(n);
  return {ops, {{"element", "ns", bench::better::lower, time / ops}}};
}

struct turns {
  double operations = 0;        // pushes and pops, of all threads
  double time = 0;              // ns
  double faster_to_slower = 0;  // rounds of the first thread that was ready, for each of the slowest one's by then
};

// Threads each push one element and pop one, in turn; they go on behind their round i while more(i).
template <class Queue, class More>
turns take_turns(unsigned threads, More more) {
  auto queue = std::make_unique<Queue>();
  struct alignas(128) progress {
    std::uint64_t sum = 0;
    std::atomic<std::uint64_t> rounds{0};
  };
  std::vector<progress> of(threads);
  std::atomic<double> faster_to_slower{0};
  const double time = bench::on_threads(threads, [&](unsigned me) {
    auto&& to = way_in(*queue);
    auto&& from = way_out(*queue);
    progress& mine = of[me];
    std::uint64_t sum = 0, i = 0;
    do {
      push(to, ++i);
      sum += pop(from);
      mine.rounds.store(i, std::memory_order_relaxed);
    } while (more(i));
    mine.sum = sum;
    std::uint64_t slowest = i;
    for (const progress& p : of) slowest = (std::min)(slowest, p.rounds.load());
    double nobody = 0;
    faster_to_slower.compare_exchange_strong(
        nobody, static_cast<double>(i) / static_cast<double>((std::max)(std::uint64_t{1}, slowest)));
  });
  std::uint64_t rounds = 0, left = 0;
  for (const progress& p : of) {
    const std::uint64_t n = p.rounds;
    rounds += n;
    left += n * (n + 1) / 2 - p.sum;  // may wrap, and back
  }
  bench::check(left == 0, "the sum");
  return {static_cast<double>(rounds), time, faster_to_slower};
}

// Two threads in turn, on two cores.
template <class Queue>
bench::outcome mixed(const bench::settings& settings) {
  const std::uint64_t n = settings.scaled(2'000'000);
  const turns t = take_turns<Queue>(2, [n](std::uint64_t i) { return i != n; });
  return {t.operations,
          {{"push_and_pop", "ns", bench::better::lower, t.time / t.operations},
           {"faster_to_slower", "x", bench::better::lower, t.faster_to_slower}}};
}
