#include <frys/queue/blocking.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <frys/core/clock.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/mpsc_queue.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/sim/clock.hpp>

namespace {

namespace policy = frys::policy;
using frys::blocking;
using frys::deadline;
using small_ring = frys::mpmc_ring<int, policy::capacity<2>>;

}  // namespace

TEST_CASE("blocking: the queues of frys are models of closable_queue") {
  static_assert(frys::closable_queue<frys::spsc_ring<int>>);
  static_assert(frys::closable_queue<frys::spsc_ring<std::unique_ptr<int>>>);
  static_assert(frys::closable_queue<frys::spsc_ring<int, policy::niche<0>>>);
  static_assert(frys::closable_queue<frys::mpmc_ring<int>>);
  static_assert(frys::closable_queue<frys::mpsc_queue<int>>);
  static_assert(!frys::closable_queue<int>);
}

TEST_CASE("blocking: what does not have to wait does not") {
  blocking<small_ring> q;
  CHECK(q.push(1));
  CHECK(q.try_push(2));
  CHECK(q.try_push(3).is_full());
  CHECK(*q.pop() == 1);
  CHECK(*q.try_pop() == 2);
  CHECK(q.try_pop().is_empty());
  q.close();
  CHECK(q.push(4).is_closed());
  CHECK(q.pop().is_closed());
}

TEST_CASE("blocking: a deadline ends the wait, and leaves the value alone") {
  blocking<frys::mpmc_ring<std::unique_ptr<int>, policy::capacity<1>>> q;
  CHECK(q.pop_until(deadline::now()).is_empty());
  CHECK(q.push(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  CHECK(q.push_until(std::move(second), deadline::now()).is_full());
  REQUIRE(second != nullptr);  // NOLINT: the refused value was not moved from
  CHECK(q.push_until(std::move(second), deadline::after<frys::clocks::steady>(std::chrono::milliseconds(2))).is_full());
  REQUIRE(second != nullptr);  // NOLINT: as above
  CHECK(**q.pop_until(deadline::now()) == 1);
}

TEST_CASE_TEMPLATE("blocking: sleepers are woken by values, by room, and by close", W, frys::wait::park,
                   frys::wait::yield, frys::wait::spin_then_park) {
  blocking<small_ring, policy::wait<W>> q;
  constexpr int producers = 4, consumers = 4, each = 1500;  // eight threads on whatever cores there are
  std::atomic<long> sum{0};
  std::atomic<int> count{0}, ended{0};
  std::vector<std::thread> threads;
  for (int c = 0; c < consumers; ++c)
    threads.emplace_back([&] {
      for (;;) {
        auto v = q.pop();
        if (v.is_closed()) break;
        sum += *v;
        ++count;
      }
      ++ended;
    });
  std::vector<std::thread> senders;
  for (int p = 0; p < producers; ++p)
    senders.emplace_back([&] {
      for (int i = 1; i <= each; ++i) REQUIRE(q.push(int{i}));
    });
  for (auto& t : senders) t.join();
  q.close();
  for (auto& t : threads) t.join();
  CHECK(ended == consumers);
  CHECK(count == producers * each);
  CHECK(sum == static_cast<long>(producers) * each * (each + 1) / 2);
}

TEST_CASE("blocking: who waits for one value gets it, however pushes come to their ends") {
  // Consumers that take one and go: nobody is left to take what a sleeper was not woken for.
  for (int round = 0; round < 300; ++round) {
    blocking<frys::mpmc_ring<int, policy::capacity<8>>, policy::wait<frys::wait::park>> q;
    std::atomic<int> sum{0};
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t) all.emplace_back([&] { sum += *q.pop(); });
    for (int t = 1; t <= 4; ++t) all.emplace_back([&q, t] { (void)q.try_push(int{t}); });
    for (auto& t : all) t.join();
    REQUIRE(sum == 10);
  }
}

TEST_CASE("blocking: a producer that waits for room gets closed") {
  blocking<small_ring> q;
  REQUIRE(q.push(1));
  REQUIRE(q.push(2));
  std::thread waiter([&] { CHECK(q.push(3).is_closed()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  q.close();
  waiter.join();
  CHECK(*q.pop() == 1);
  CHECK(*q.pop() == 2);
  CHECK(q.pop().is_closed());
}

TEST_CASE("blocking: a producer that waits for a consumer that gives up gets closed") {
  blocking<frys::spsc_ring<int, policy::capacity<2>>> q;
  REQUIRE(q.push(1));
  REQUIRE(q.push(2));
  std::thread waiter([&] { CHECK(q.push(3).is_closed()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  q.abandon();
  waiter.join();
  CHECK(*q.pop() == 1);
}

TEST_CASE("blocking: over a ring of one producer and one consumer") {
  blocking<frys::low_latency_ring<std::uint64_t, std::uint64_t{0}, 4>> q;
  constexpr std::uint64_t count = 20'000;
  std::thread producer([&] {
    for (std::uint64_t i = 1; i <= count; ++i) REQUIRE(q.push(std::uint64_t{i}));
    q.close();
  });
  std::uint64_t next = 1;
  bool ordered = true;
  for (;;) {
    auto v = q.pop();
    if (v.is_closed()) break;
    ordered = ordered && *v == next++;
  }
  producer.join();
  CHECK(ordered);
  CHECK(next == count + 1);
}
