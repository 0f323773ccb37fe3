// How do two threads hand values over without a lock, and how does the reader learn that the last one has come?
//
// One thread reads numbers and sends them through a ring of 256 slots; another one adds them up. Then the same with
// spans, which publish many values at once, with four producers and a queue without a bound, and with four threads and
// a ring that counts how often it was full and empty.
#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/mpsc_queue.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/queue/stats.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

namespace policy = frys::policy;

constexpr std::uint64_t count = 100'000;

// [region ring]
std::uint64_t one_by_one() {
  frys::spsc_ring<std::uint64_t, policy::capacity<256>> ring;

  std::thread producer([&] {
    for (std::uint64_t i = 1; i <= count;) {
      if (ring.try_push(i))
        ++i;
      else
        std::this_thread::yield();  // full: the consumer is behind
    }
    ring.close();  // no more; what is in the ring still comes out
  });

  std::uint64_t sum = 0;
  for (;;) {
    auto value = ring.try_pop();
    if (value)
      sum += *value;
    else if (value.is_closed())
      break;  // closed, and nothing is left
    else
      std::this_thread::yield();  // empty for now
  }
  producer.join();
  return sum;
}
// [endregion ring]

// [region spans]
std::uint64_t by_spans() {
  frys::spsc_ring<std::uint64_t, policy::capacity<256>> ring;

  std::thread producer([&] {
    for (std::uint64_t next = 1; next <= count;) {
      auto space = ring.writable(64);  // free slots, written in place
      std::size_t used = 0;
      while (used < space.size() && next <= count) space[used++] = next++;
      ring.commit(used);  // one store publishes all of them
      if (used == 0) std::this_thread::yield();
    }
    ring.close();
  });

  std::uint64_t sum = 0;
  while (!ring.is_drained()) {
    auto values = ring.readable();
    for (const std::uint64_t v : values) sum += v;
    ring.consume(values.size());
  }
  producer.join();
  return sum;
}
// [endregion spans]

// [region many]
std::uint64_t from_many() {
  frys::mpsc_queue<std::uint64_t> queue;

  std::vector<std::thread> producers;
  for (std::uint64_t first = 1; first <= 4; ++first)
    producers.emplace_back([&queue, first] {
      for (std::uint64_t i = first; i <= count; i += 4)
        if (!queue.try_push(i)) return;  // closed, or out of memory
    });
  for (auto& p : producers) p.join();
  queue.close();

  std::uint64_t sum = 0;
  while (auto value = queue.try_pop()) sum += *value;
  return sum;
}
// [endregion many]

// [region counted]
std::uint64_t counted() {
  // blocking<> makes push and pop wait; stats::counted makes the ring count.
  frys::blocking<frys::mpmc_ring<std::uint64_t, policy::capacity<64>, policy::stats<frys::stats::counted>>> ring;

  std::atomic<std::uint64_t> sum{0};
  std::vector<std::thread> producers, consumers;
  for (std::uint64_t first = 1; first <= 2; ++first) {
    producers.emplace_back([&ring, first] {
      for (std::uint64_t i = first; i <= count; i += 2) (void)ring.push(std::uint64_t{i});
    });
    consumers.emplace_back([&ring, &sum] {
      std::uint64_t mine = 0;
      while (auto value = ring.pop()) mine += *value;
      sum += mine;
    });
  }
  for (auto& p : producers) p.join();
  ring.close();
  for (auto& c : consumers) c.join();

  const frys::queue_statistics seen = ring.queue().stats();
  std::printf("%llu pushed, %llu popped; found full %llu times, empty %llu times\n",
              static_cast<unsigned long long>(seen.pushes), static_cast<unsigned long long>(seen.pops),
              static_cast<unsigned long long>(seen.full), static_cast<unsigned long long>(seen.empty));
  return sum;
}
// [endregion counted]

int main() {
  const std::uint64_t expected = count * (count + 1) / 2;
  const std::uint64_t sums[] = {one_by_one(), by_spans(), from_many(), counted()};
  for (const std::uint64_t sum : sums) {
    std::printf("%llu\n", static_cast<unsigned long long>(sum));
    if (sum != expected) return 1;
  }
  return 0;
}
