#include <frys/queue/segment_queue.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <frys/queue/blocking.hpp>
#include <frys/queue/concepts.hpp>

#include "../memory/counting_pages.hpp"
#include "crowd.hpp"

using frys::push_result;
using frys::segment_queue;
namespace policy = frys::policy;

static_assert(frys::closable_queue<segment_queue<int>>);

TEST_CASE("segment_queue: values come out in the order they went in, from a short and from a long backlog") {
  segment_queue<int, policy::capacity<8>> queue;
  CHECK(queue.try_pop().is_empty());
  CHECK(queue.size_hint() == 0);
  int in = 0, out = 0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < round * round; ++i) REQUIRE(queue.try_push(in++));
    CHECK(queue.size_hint() == static_cast<std::size_t>(in - out));
    for (int i = 0; i < round * round - round; ++i) REQUIRE(*queue.try_pop() == out++);
    CHECK(queue.size_hint() == static_cast<std::size_t>(in - out));
  }
  while (auto v = queue.try_pop()) REQUIRE(*v == out++);
  CHECK(in == out);
  CHECK(queue.size_hint() == 0);
}

TEST_CASE("segment_queue: segments of one slot, and scattered ones, keep the order") {
  const auto check = [](auto& queue) {
    int in = 0, out = 0;
    for (int round = 0; round < 200; ++round) {
      for (int i = 0; i < round % 7; ++i) REQUIRE(queue.try_push(in++));
      for (int i = 0; i < round % 5; ++i)
        if (auto v = queue.try_pop()) REQUIRE(*v == out++);
    }
    while (auto v = queue.try_pop()) REQUIRE(*v == out++);
    CHECK(in == out);
  };
  segment_queue<int, policy::capacity<1>> single;
  check(single);
  segment_queue<int, policy::capacity<64>, policy::layout<frys::layout::scattered>> scattered;
  check(scattered);
}

TEST_CASE("segment_queue: takes move-only values and destroys each once, also those never popped") {
  auto alive = std::make_shared<int>(0);
  {
    segment_queue<std::shared_ptr<int>, policy::capacity<16>> queue;
    for (int i = 0; i < 1000; ++i) REQUIRE(queue.try_push(alive));
    for (int i = 0; i < 400; ++i) REQUIRE(queue.try_pop());
    CHECK(alive.use_count() == 601);
  }
  CHECK(alive.use_count() == 1);
  segment_queue<std::unique_ptr<int>> queue;
  REQUIRE(queue.try_emplace(std::make_unique<int>(5)));
  CHECK(**queue.try_pop() == 5);
  struct alignas(128) wide {
    std::uint64_t n = 0;
  };
  segment_queue<wide, policy::capacity<4>> aligned;
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(aligned.try_push(wide{i}));
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(aligned.try_pop()->n == i);
}

TEST_CASE("segment_queue: after close pushes answer closed and leave the value; pops hand out the rest, then closed") {
  for (int before = 0; before < 12; ++before) {  // also where a segment has just been used up
    segment_queue<std::unique_ptr<int>, policy::capacity<4>> queue;
    for (int i = 0; i < before; ++i) REQUIRE(queue.try_push(std::make_unique<int>(i)));
    if (before % 2 == 1) REQUIRE(**queue.try_pop() == 0);
    CHECK_FALSE(queue.is_closed());
    queue.close();
    queue.close();
    CHECK(queue.is_closed());
    auto late = std::make_unique<int>(3);
    CHECK(queue.try_push(std::move(late)).is_closed());
    REQUIRE(late != nullptr);  // NOLINT: the refused value was not moved from
    CHECK(queue.push_some(std::span(&late, 1)) == 0);
    REQUIRE(late != nullptr);
    CHECK(queue.size_hint() == static_cast<std::size_t>(before - before % 2));
    for (int i = before % 2; i < before; ++i) REQUIRE(**queue.try_pop() == i);
    CHECK(queue.size_hint() == 0);
    CHECK(queue.try_pop().is_closed());
    CHECK(queue.try_pop().is_closed());
  }
}

TEST_CASE("segment_queue: segments are used again; a steady load takes no more memory") {
  using pages = counting_pages<60>;
  {
    segment_queue<std::uint64_t, policy::capacity<16>, policy::pages<pages>> queue;
    CHECK(pages::held == 0);  // nothing before the first push
    for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(queue.try_push(i));
    while (queue.try_pop()) {
    }
    const auto before = pages::allocations.load();
    const auto segments = queue.segments();
    CHECK(segments == 7);
    for (int round = 0; round < 1000; ++round) {
      for (std::uint64_t i = 0; i < 80; ++i) REQUIRE(queue.try_push(i));
      while (queue.try_pop()) {
      }
    }
    CHECK(pages::allocations == before);
    CHECK(queue.segments() == segments);
  }
  CHECK(pages::held == 0);
}

TEST_CASE("segment_queue: beyond the limit, and when the source refuses, the push is full and the value untouched") {
  using pages = counting_pages<61>;
  segment_queue<std::unique_ptr<int>, policy::capacity<16>, policy::limit<4096>, policy::pages<pages>> queue;
  pages::refuses = true;
  auto value = std::make_unique<int>(1);
  CHECK(queue.try_push(std::move(value)).is_full());
  REQUIRE(value != nullptr);  // NOLINT: the refused value was not moved from
  pages::refuses = false;
  int pushed = 0;
  while (queue.try_push(std::make_unique<int>(pushed))) ++pushed;
  CHECK(pushed >= 2 * 16);
  CHECK(pushed < static_cast<int>(4096 / sizeof(void*)));
  CHECK(pushed % 16 == 0);
  for (int i = 0; i < 100; ++i) CHECK(queue.try_push(std::move(value)).is_full());
  for (int i = 0; i < pushed; ++i) REQUIRE(**queue.try_pop() == i);
  CHECK(queue.try_pop().is_empty());
  // The last segment was used up: it waits for the one behind it.
  for (int i = 0; i < pushed - 16; ++i) REQUIRE(queue.try_push(std::make_unique<int>(i)));
  queue.close();
  for (int i = 0; i < pushed - 16; ++i) REQUIRE(**queue.try_pop() == i);
  CHECK(queue.try_pop().is_closed());
}

TEST_CASE("segment_queue: pushes that are refused by a full queue do no harm, however many") {
  segment_queue<std::uint64_t, policy::capacity<8>, policy::limit<2 * 1024>> queue;
  std::uint64_t in = 0, out = 0;
  while (queue.try_push(in)) ++in;
  std::vector<std::uint64_t> many(8, 0);
  for (int i = 0; i < 10'000; ++i) {
    if (queue.push_some(many) != 0) REQUIRE(false);
    if (queue.try_push(0)) REQUIRE(false);
  }
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 8; ++i)
      if (auto v = queue.try_pop()) REQUIRE(*v == out++);
    while (queue.try_push(in)) ++in;
  }
  while (auto v = queue.try_pop()) REQUIRE(*v == out++);
  CHECK(in == out);
}

TEST_CASE("segment_queue: many values at once go in and come out in order, across segments") {
  segment_queue<std::unique_ptr<int>, policy::capacity<8>> queue;
  CHECK(queue.push_some({}) == 0);
  CHECK(queue.pop_some({}) == 0);
  int in = 0, out = 0;
  for (std::size_t n = 1; n < 40; ++n) {
    std::vector<std::unique_ptr<int>> values;
    for (std::size_t i = 0; i < n; ++i) values.push_back(std::make_unique<int>(in++));
    REQUIRE(queue.push_some(values) == n);
    for (const auto& v : values) CHECK(v == nullptr);
    std::vector<std::unique_ptr<int>> got(n);
    std::size_t count = 0;
    while (count < n) {
      const std::size_t k = queue.pop_some(std::span(got).subspan(count));
      REQUIRE(k != 0);
      REQUIRE(k <= 8);
      count += k;
    }
    for (const auto& v : got) REQUIRE(*v == out++);
    CHECK(queue.pop_some(got) == 0);
  }
}

namespace {
// Five out and seven in at a time.
struct several {
  static bool push(auto& to, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; i += 7) {
      std::uint64_t some[7];
      std::size_t n = 0;
      for (; n < 7 && i + n < count; ++n) some[n] = first + i + n;
      if (to.push_some(std::span(some).first(n)) != n) return false;
    }
    return true;
  }
  static void pop(auto& from, auto see) {
    for (;;) {
      std::uint64_t some[5];
      const std::size_t n = from.pop_some(some);
      for (std::size_t i = 0; i < n; ++i) see(some[i]);
      if (n == 0 && !crowd::one_by_one::take(from, see)) return;
    }
  }
};
template <std::size_t Capacity, class How = crowd::one_by_one>
void crowd_in_queue(unsigned producers, unsigned consumers, std::uint64_t each) {
  segment_queue<std::uint64_t, policy::capacity<Capacity>> queue;
  crowd::hand_over(queue, producers, consumers, each, true, How{});
}
}  // namespace

TEST_CASE("segment_queue: two producers, two consumers, one slot: every value once, in order") {
  crowd_in_queue<1>(2, 2, 3000);
}
TEST_CASE("segment_queue: two producers, two consumers, four slots: every value once, in order") {
  crowd_in_queue<4>(2, 2, 10'000);
}
TEST_CASE("segment_queue: four producers, four consumers: every value once, in order") {
  crowd_in_queue<64>(4, 4, 10'000);
}
TEST_CASE("segment_queue: one producer, three consumers: every value once, in order") {
  crowd_in_queue<1024>(1, 3, 20'000);
}
TEST_CASE("segment_queue: many at once, three producers, three consumers: every value once, in order") {
  crowd_in_queue<16, several>(3, 3, 10'000);
}

TEST_CASE("segment_queue: what was accepted before a close in the middle comes out, no more and no less") {
  crowd::closed_in_the_middle<segment_queue<std::unique_ptr<int>, policy::capacity<4>, policy::limit<8192>>>();
}

namespace {
// Closes and pops while its own push is under way: after the push has its place, before the value is published.
struct meddler {
  meddler(void* q, bool* empty) noexcept;
};
using meddled = segment_queue<meddler, policy::capacity<4>>;
meddler::meddler(void* q, bool* empty) noexcept {
  auto& busy = *static_cast<meddled*>(q);
  busy.close();
  *empty = busy.try_pop().is_empty();
}
}  // namespace

TEST_CASE("segment_queue: a pop does not answer closed while an accepted push is under way") {
  meddled queue;
  bool empty = false;
  REQUIRE(queue.try_emplace(&queue, &empty));
  CHECK(empty);
  CHECK(queue.try_pop().has_value());
  CHECK(queue.try_pop().is_closed());
}

TEST_CASE("segment_queue: waits by blocking<>, and close wakes") {
  frys::blocking<segment_queue<int, policy::capacity<4>>> queue;
  std::uint64_t sum = 0;
  std::thread consumer([&] {
    while (auto v = queue.pop()) sum += static_cast<std::uint64_t>(*v);
  });
  for (int i = 1; i <= 1000; ++i) REQUIRE(queue.push(int{i}));
  queue.close();
  consumer.join();
  CHECK(sum == 500'500);
}
