#include <frys/queue/mpsc_queue.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../memory/counting_pages.hpp"
#include "crowd.hpp"

using frys::mpsc_queue;
using frys::push_result;
namespace policy = frys::policy;

TEST_CASE("mpsc_queue: values come out in the order they went in, from a short and from a long backlog") {
  mpsc_queue<int> queue;
  CHECK(queue.try_pop().is_empty());
  int in = 0, out = 0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < round * round; ++i) REQUIRE(queue.try_push(in++));
    for (int i = 0; i < round * round - round; ++i) REQUIRE(*queue.try_pop() == out++);
  }
  while (auto v = queue.try_pop()) REQUIRE(*v == out++);
  CHECK(in == out);
}

TEST_CASE("mpsc_queue: takes move-only values and destroys each once, also those never popped") {
  auto alive = std::make_shared<int>(0);
  {
    mpsc_queue<std::shared_ptr<int>> queue;
    for (int i = 0; i < 1000; ++i) REQUIRE(queue.try_push(alive));
    for (int i = 0; i < 400; ++i) REQUIRE(queue.try_pop());
    CHECK(alive.use_count() == 601);
  }
  CHECK(alive.use_count() == 1);
  mpsc_queue<std::unique_ptr<int>> queue;
  REQUIRE(queue.try_emplace(std::make_unique<int>(5)));
  CHECK(**queue.try_pop() == 5);
}

TEST_CASE("mpsc_queue: after close pushes answer closed and leave the value; pops hand out the rest, then closed") {
  mpsc_queue<std::unique_ptr<int>> queue;
  REQUIRE(queue.try_push(std::make_unique<int>(1)));
  REQUIRE(queue.try_push(std::make_unique<int>(2)));
  CHECK_FALSE(queue.is_closed());
  queue.close();
  queue.close();
  CHECK(queue.is_closed());
  auto late = std::make_unique<int>(3);
  CHECK(queue.try_push(std::move(late)).is_closed());
  CHECK(late != nullptr);  // NOLINT: the refused value was not moved from
  CHECK(**queue.try_pop() == 1);
  CHECK(**queue.try_pop() == 2);
  CHECK(queue.try_pop().is_closed());
  CHECK(queue.try_pop().is_closed());
}

TEST_CASE("mpsc_queue: a queue closed before use is closed at both ends") {
  mpsc_queue<int> queue;
  queue.close();
  CHECK(queue.try_push(1).is_closed());
  CHECK(queue.try_pop().is_closed());
}

TEST_CASE("mpsc_queue: close is exact after nodes were used many times") {
  mpsc_queue<int> queue;
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(queue.try_push(i));
    REQUIRE(queue.try_push(i));
    REQUIRE(queue.try_pop());
    REQUIRE(queue.try_pop());
  }
  REQUIRE(queue.try_push(1));
  queue.close();
  CHECK(queue.try_pop().has_value());
  CHECK(queue.try_pop().is_closed());
}

TEST_CASE("mpsc_queue: segments are used again; a steady load takes no more memory") {
  using pages = counting_pages<50>;
  {
    mpsc_queue<std::uint64_t, policy::capacity<8>, policy::pages<pages>> queue;
    for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(queue.try_push(i));
    while (queue.try_pop()) {
    }
    const auto before = pages::allocations.load();
    const auto segments = queue.segments();
    for (int round = 0; round < 1000; ++round) {
      for (std::uint64_t i = 0; i < 60; ++i) REQUIRE(queue.try_push(i));
      while (queue.try_pop()) {
      }
    }
    CHECK(pages::allocations == before);
    CHECK(queue.segments() == segments);
  }
  CHECK(pages::held == 0);
}

TEST_CASE("mpsc_queue: beyond the limit, and when the source refuses, the push is full and the value untouched") {
  using pages = counting_pages<51>;
  using queue_type = mpsc_queue<std::unique_ptr<int>, policy::capacity<8>, policy::limit<4096>, policy::pages<pages>>;
  queue_type queue;
  pages::refuses = true;
  auto value = std::make_unique<int>(1);
  CHECK(queue.try_push(std::move(value)).is_full());
  REQUIRE(value != nullptr);  // NOLINT: the refused value was not moved from
  pages::refuses = false;
  std::size_t pushed = 0;
  while (queue.try_push(std::make_unique<int>(static_cast<int>(pushed)))) ++pushed;
  CHECK(pushed == 4096 / queue_type::segment_bytes * 8);
  CHECK(queue.segments() == 4096 / queue_type::segment_bytes);
  CHECK(queue.size_hint() == pushed);
  for (std::size_t i = 0; i < pushed; ++i) REQUIRE(**queue.try_pop() == static_cast<int>(i));
  CHECK(queue.try_pop().is_empty());
  // All but the segment that the consumer stands in.
  for (std::size_t i = 0; i + 8 < pushed; ++i) REQUIRE(queue.try_push(std::make_unique<int>(0)));
}

TEST_CASE("mpsc_queue: many values at once go in and come out in order, across segments and up to the limit") {
  using queue_type =
      mpsc_queue<int, policy::capacity<8>, policy::limit<3 * mpsc_queue<int, policy::capacity<8>>::segment_bytes>>;
  queue_type queue;
  std::vector<int> values(20);
  std::iota(values.begin(), values.end(), 0);
  CHECK(queue.push_some(values) == 20);
  CHECK(queue.size_hint() == 20);
  CHECK(queue.push_some(values) == 4);  // three segments of eight
  CHECK(queue.push_some(values) == 0);
  std::vector<int> out(13, -1);
  CHECK(queue.pop_some(out) == 13);
  for (int i = 0; i < 13; ++i) CHECK(out[static_cast<std::size_t>(i)] == i);
  CHECK(queue.pop_some(std::span<int>()) == 0);
  CHECK(queue.pop_some(out) == 11);
  for (int i = 0; i < 7; ++i) CHECK(out[static_cast<std::size_t>(i)] == 13 + i);
  for (int i = 0; i < 4; ++i) CHECK(out[static_cast<std::size_t>(7 + i)] == i);
  CHECK(queue.pop_some(out) == 0);
  queue.close();
  CHECK(queue.push_some(values) == 0);
  CHECK(queue.try_pop().is_closed());
}

TEST_CASE("mpsc_queue: eight producers on whatever cores there are: every value once, each producer's in order") {
  mpsc_queue<std::uint64_t, policy::capacity<16>> queue;
  crowd::hand_over(queue, 8, 1, 5000);
}

TEST_CASE("mpsc_queue: an over-aligned value stands on its alignment") {
  struct alignas(128) wide {
    std::uint64_t n = 0;
  };
  mpsc_queue<wide> queue;
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(queue.try_push(wide{i}));
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(queue.try_pop()->n == i);
}

TEST_CASE("mpsc_queue: many producers: nothing lost, each producer's order kept, closed only at the end") {
  struct item {
    std::uint64_t producer, n;
    std::string text;
  };
  constexpr std::uint64_t producers = 3, each = 8000;
  mpsc_queue<item> queue;
  std::vector<std::thread> all;
  for (std::uint64_t p = 0; p < producers; ++p)
    all.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each; ++i)
        if (!queue.try_push({p, i, std::to_string(i) + " and more than fits inside"})) return;
    });
  std::vector<std::uint64_t> next(producers, 0);
  bool right = true;
  std::uint64_t count = 0;
  std::thread closer([&] {
    for (auto& t : all) t.join();
    queue.close();
  });
  for (;;) {
    auto v = queue.try_pop();
    if (v.is_closed()) break;
    if (!v) {
      std::this_thread::yield();
      continue;
    }
    right = right && v->n == next[v->producer]++ && v->text == std::to_string(v->n) + " and more than fits inside";
    ++count;
  }
  closer.join();
  CHECK(right);
  CHECK(count == producers * each);
}

TEST_CASE("mpsc_queue: what was accepted before a close in the middle comes out, no more and no less") {
  for (int round = 0; round < 30; ++round) {
    mpsc_queue<int> queue;
    std::atomic<int> accepted{0};
    std::vector<std::thread> all;
    for (int p = 0; p < 2; ++p)
      all.emplace_back([&] {
        while (queue.try_push(1)) {
          ++accepted;
          if (accepted % 64 == 0) std::this_thread::yield();
        }
      });
    int taken = 0;
    bool closed = false;
    for (;;) {
      auto v = queue.try_pop();
      if (v.is_closed()) break;
      if (v)
        ++taken;
      else
        std::this_thread::yield();
      if (taken > 50 + round && !std::exchange(closed, true)) queue.close();
    }
    for (auto& t : all) t.join();
    REQUIRE(accepted == taken);
  }
}

namespace {
// Closes and pops while its own push is under way: after the push has its place, before the value is published.
struct meddler {
  meddler(void* q, bool* empty) noexcept;
};
using meddled = mpsc_queue<meddler>;
meddler::meddler(void* q, bool* empty) noexcept {
  auto& busy = *static_cast<meddled*>(q);
  busy.close();
  *empty = busy.try_pop().is_empty();
}
}  // namespace

TEST_CASE("mpsc_queue: a pop does not answer closed while an accepted push is under way") {
  meddled queue;
  bool empty = false;
  REQUIRE(queue.try_emplace(&queue, &empty));
  CHECK(empty);
  CHECK(queue.try_pop().has_value());
  CHECK(queue.try_pop().is_closed());
}
