#include <frys/queue/lanes.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using frys::lanes;
namespace policy = frys::policy;

TEST_CASE("lanes: the most urgent lane first, each in order, the control lane before them all") {
  lanes<int, 3, policy::capacity<8>, policy::aging<0>> queue;
  auto consumer = queue.consumer();
  CHECK(consumer.try_pop().is_empty());
  for (int i = 0; i < 4; ++i)
    for (std::size_t lane = 0; lane < 3; ++lane) REQUIRE(queue.try_push(lane, static_cast<int>(lane) * 10 + i));
  REQUIRE(queue.try_push_control(100));
  REQUIRE(queue.try_push_control(101));
  CHECK(queue.size_hint() == 14);
  for (const int expected : {100, 101, 0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23})
    CHECK(*consumer.try_pop() == expected);
  CHECK(consumer.try_pop().is_empty());
}

TEST_CASE("lanes: data cannot take the control lane's room, nor one lane another's") {
  lanes<std::unique_ptr<int>, 2, policy::capacity<4>> queue;
  for (std::size_t lane = 0; lane < 2; ++lane) {
    for (int i = 0; i < 4; ++i) REQUIRE(queue.try_push(lane, std::make_unique<int>(i)));
    auto more = std::make_unique<int>(4);
    CHECK(queue.try_push(lane, std::move(more)).is_full());
    CHECK(more != nullptr);  // NOLINT: the refused value was not moved from
  }
  CHECK(queue.try_push_control(std::make_unique<int>(100)));
  CHECK(**queue.consumer().try_pop() == 100);
}

TEST_CASE("lanes: of any K pops one takes from each lane, however full the urgent ones are kept") {
  constexpr std::size_t every = 7;
  lanes<std::size_t, 3, policy::capacity<8>, policy::aging<every>> queue;
  auto consumer = queue.consumer();
  std::size_t waited[3] = {};
  std::size_t served[3] = {};
  for (int i = 0; i < 1000; ++i) {
    for (std::size_t lane = 0; lane < 3; ++lane)
      while (queue.try_push(lane, lane)) {
      }
    if (i % 5 == 0) {  // the control lane does not count
      REQUIRE(queue.try_push_control(9));
      REQUIRE(*consumer.try_pop() == 9);
    }
    const std::size_t got = *consumer.try_pop();
    ++served[got];
    for (std::size_t lane = 0; lane < 3; ++lane) {
      waited[lane] = lane == got ? 0 : waited[lane] + 1;
      REQUIRE(waited[lane] < every);
    }
  }
  CHECK(served[0] > 3 * served[1]);
  CHECK(served[1] > 100);
}

TEST_CASE("lanes: after close pushes answer closed, pops hand out the rest, then closed") {
  lanes<int, 2, policy::capacity<4>> queue;
  auto consumer = queue.consumer();
  REQUIRE(queue.try_push(0, 1));
  REQUIRE(queue.try_push(1, 2));
  REQUIRE(queue.try_push_control(3));
  CHECK_FALSE(queue.is_closed());
  queue.close();
  queue.close();
  CHECK(queue.is_closed());
  CHECK(queue.try_push(0, 4).is_closed());
  CHECK(queue.try_push_control(4).is_closed());
  int sum = 0;
  for (int i = 0; i < 3; ++i) sum += *consumer.try_pop();
  CHECK(sum == 6);
  CHECK(consumer.try_pop().is_closed());
}

TEST_CASE("lanes: destroys values that were never popped") {
  auto alive = std::make_shared<int>(0);
  {
    lanes<std::shared_ptr<int>, 2, policy::capacity<4>> queue;
    for (std::size_t i = 0; i < 6; ++i) REQUIRE(queue.try_push(i % 2, alive));
    REQUIRE(queue.try_push_control(alive));
    CHECK(queue.consumer().try_pop());
    CHECK(alive.use_count() == 7);
  }
  CHECK(alive.use_count() == 1);
}

TEST_CASE("lanes: four producers, four consumers, every value once, in order within its lane") {
  lanes<std::uint64_t, 3, policy::capacity<16>> queue;
  constexpr std::uint64_t each = 10'000;
  std::atomic<std::uint64_t> sum{0}, count{0};
  std::atomic<bool> ordered{true};
  std::vector<std::thread> in, out;
  for (int c = 0; c < 4; ++c)
    out.emplace_back([&] {
      auto consumer = queue.consumer();
      std::uint64_t next[4][4] = {};
      for (;;) {
        auto v = consumer.try_pop();
        if (v.is_closed()) return;
        if (!v) {
          std::this_thread::yield();
          continue;
        }
        const std::uint64_t producer = *v >> 40, lane = (*v >> 32) & 3, n = *v & 0xffff'ffff;
        if (n < next[producer][lane]) ordered = false;
        next[producer][lane] = n + 1;
        sum += n;
        ++count;
      }
    });
  for (std::uint64_t p = 0; p < 4; ++p)
    in.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each;) {
        const std::uint64_t lane = i % 4, v = p << 40 | lane << 32 | i;
        if (lane == 3 ? queue.try_push_control(v) : queue.try_push(static_cast<std::size_t>(lane), v))
          ++i;
        else
          std::this_thread::yield();
      }
    });
  for (auto& t : in) t.join();
  queue.close();
  for (auto& t : out) t.join();
  CHECK(ordered);
  CHECK(count == 4 * each);
  CHECK(sum == 4 * (each * (each - 1) / 2));
}
