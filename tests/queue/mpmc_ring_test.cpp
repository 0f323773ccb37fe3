#include <frys/queue/mpmc_ring.hpp>

#include <doctest/doctest.h>
#include <frys/queue/blocking.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "crowd.hpp"

using frys::mpmc_ring;
using frys::push_result;
namespace policy = frys::policy;

TEST_CASE("mpmc_ring: values come out in the order they went in, through many laps") {
  mpmc_ring<int, policy::capacity<4>> ring;
  int in = 0, out = 0;
  for (int round = 0; round < 1000; ++round) {
    for (int i = 0; i < round % 5; ++i) REQUIRE(ring.try_push(in++));
    CHECK(ring.size_hint() == static_cast<std::size_t>(round % 5));
    while (auto v = ring.try_pop()) REQUIRE(*v == out++);
  }
  CHECK(in == out);
}

TEST_CASE("mpmc_ring: all slots are usable, a full ring refuses the push and leaves the value alone") {
  mpmc_ring<std::unique_ptr<int>, policy::capacity<2>> ring;
  REQUIRE(ring.try_push(std::make_unique<int>(1)));
  REQUIRE(ring.try_push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  CHECK(ring.try_push(std::move(third)) == push_result::full);
  REQUIRE(third != nullptr);  // NOLINT: the refused value was not moved from
  CHECK(**ring.try_pop() == 1);
  CHECK(ring.try_push(std::move(third)));
  CHECK(**ring.try_pop() == 2);
  CHECK(**ring.try_pop() == 3);
  CHECK(ring.try_pop().is_empty());
}

TEST_CASE("mpmc_ring: a ring of one slot works") {
  mpmc_ring<std::string, policy::capacity<1>> ring;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(ring.try_emplace("a string that does not fit inside, number " + std::to_string(i)));
    CHECK(ring.try_push("no").is_full());
    CHECK(*ring.try_pop() == "a string that does not fit inside, number " + std::to_string(i));
    CHECK(ring.try_pop().is_empty());
  }
}

TEST_CASE("mpmc_ring: destroys each value once, also those never popped") {
  auto alive = std::make_shared<int>(0);
  {
    mpmc_ring<std::shared_ptr<int>, policy::capacity<8>> ring;
    for (int i = 0; i < 8; ++i) REQUIRE(ring.try_push(alive));
    for (int i = 0; i < 5; ++i) CHECK(ring.try_pop());
    for (int i = 0; i < 2; ++i) REQUIRE(ring.try_push(alive));
    CHECK(alive.use_count() == 6);
  }
  CHECK(alive.use_count() == 1);
}

TEST_CASE("mpmc_ring: after close pushes answer closed, pops hand out the rest, then closed") {
  mpmc_ring<int, policy::capacity<4>> ring;
  for (int i = 0; i < 6; ++i) {  // not on the first lap
    REQUIRE(ring.try_push(i));
    CHECK(ring.try_pop());
  }
  REQUIRE(ring.try_push(1));
  REQUIRE(ring.try_push(2));
  CHECK_FALSE(ring.is_closed());
  ring.close();
  ring.close();
  CHECK(ring.is_closed());
  CHECK(ring.try_push(3).is_closed());
  CHECK(ring.size_hint() == 2);
  CHECK(*ring.try_pop() == 1);
  CHECK(*ring.try_pop() == 2);
  CHECK(ring.try_pop().is_closed());
  CHECK(ring.try_pop().is_closed());
}

TEST_CASE("mpmc_ring: a ring closed before use is closed at both ends") {
  mpmc_ring<int> ring;
  ring.close();
  CHECK(ring.try_push(1).is_closed());
  CHECK(ring.try_pop().is_closed());
}

TEST_CASE("mpmc_ring: closing a full ring answers closed, not full") {
  mpmc_ring<int, policy::capacity<1>> ring;
  REQUIRE(ring.try_push(1));
  CHECK(ring.try_push(2).is_full());
  ring.close();
  CHECK(ring.try_push(2).is_closed());
}

namespace {
template <std::size_t Capacity>
void crowd_in_ring(unsigned producers, unsigned consumers, std::uint64_t each) {
  mpmc_ring<std::uint64_t, policy::capacity<Capacity>> ring;
  crowd::hand_over(ring, producers, consumers, each);
}
}  // namespace

TEST_CASE("mpmc_ring: two producers, two consumers, one slot: every value once, in order") {
  crowd_in_ring<1>(2, 2, 1000);
}
TEST_CASE("mpmc_ring: two producers, two consumers, four slots: every value once, in order") {
  crowd_in_ring<4>(2, 2, 5000);
}
TEST_CASE("mpmc_ring: three producers, one consumer: every value once, in order") { crowd_in_ring<64>(3, 1, 10'000); }
TEST_CASE("mpmc_ring: eight threads on whatever cores there are") {
  crowd_in_ring<4>(4, 4, 3'000);
  crowd_in_ring<256>(4, 4, 10'000);
}
TEST_CASE("mpmc_ring: one producer, three consumers: every value once, in order") { crowd_in_ring<64>(1, 3, 20'000); }

TEST_CASE("mpmc_ring: what was accepted before a close in the middle comes out, no more and no less") {
  crowd::closed_in_the_middle<mpmc_ring<std::unique_ptr<int>, policy::capacity<8>>>();
}

namespace {
// Closes and pops while its own push is under way: after the push has its place, before the value is published.
struct meddler {
  meddler(void* q, bool* empty) noexcept;
};
using meddled = mpmc_ring<meddler, policy::capacity<4>>;
meddler::meddler(void* q, bool* empty) noexcept {
  auto& busy = *static_cast<meddled*>(q);
  busy.close();
  *empty = busy.try_pop().is_empty();
}
}  // namespace

TEST_CASE("mpmc_ring: a pop does not answer closed while an accepted push is under way") {
  meddled queue;
  bool empty = false;
  REQUIRE(queue.try_emplace(&queue, &empty));
  CHECK(empty);
  CHECK(queue.try_pop().has_value());
  CHECK(queue.try_pop().is_closed());
}

TEST_CASE("mpmc_ring: several at once go in and come out in order, as many as there is room for") {
  mpmc_ring<std::unique_ptr<int>, policy::capacity<4>> ring;
  int in = 0, next = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<std::unique_ptr<int>> values;
    for (int i = 0; i < 6; ++i) values.push_back(std::make_unique<int>(in + i));
    const std::size_t room = 4 - ring.size_hint();
    REQUIRE(ring.push_some(values) == room);
    for (std::size_t i = 0; i < 6; ++i) REQUIRE((values[i] == nullptr) == (i < room));  // the rest is untouched
    in += static_cast<int>(room);
    REQUIRE(ring.push_some(values) == 0);  // full
    std::vector<std::unique_ptr<int>> out(static_cast<std::size_t>(1 + round % 6));
    const std::size_t got = ring.pop_some(out);
    REQUIRE(got == (out.size() < 4 ? out.size() : 4));
    for (std::size_t i = 0; i < got; ++i) REQUIRE(*out[i] == next++);
  }
  std::vector<std::unique_ptr<int>> rest(8);
  CHECK(ring.pop_some(rest) == static_cast<std::size_t>(in - next));
  CHECK(ring.pop_some(rest) == 0);
  CHECK(ring.pop_some({}) == 0);
  CHECK(ring.push_some({}) == 0);
  ring.close();
  CHECK(ring.push_some(rest) == 0);
}

namespace {
using dynamic_ring = mpmc_ring<std::unique_ptr<int>, policy::capacity<policy::dynamic>>;

// A source that gives nothing, or counts what it has given.
struct counted_pages {
  static inline int given = 0;
  static inline bool refuses = false;
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    if (refuses) return frys::error{frys::errc::out_of_memory, frys::domain::user, "no"};
    auto memory = frys::heap_pages::allocate(size);
    if (memory) ++given;
    return memory;
  }
  static void release(frys::byte_span memory) noexcept {
    --given;
    frys::heap_pages::release(memory);
  }
};
}  // namespace

TEST_CASE("mpmc_ring: a capacity of the run time holds that many") {
  for (std::size_t capacity : {std::size_t{1}, std::size_t{2}, std::size_t{64}, std::size_t{4096}}) {
    auto made = dynamic_ring::make(capacity);
    REQUIRE(made);
    dynamic_ring& ring = *made;
    CHECK(ring.slot_count() == capacity);
    for (int lap = 0; lap < 3; ++lap) {
      for (std::size_t i = 0; i < capacity; ++i) REQUIRE(ring.try_push(std::make_unique<int>(static_cast<int>(i))));
      CHECK(ring.try_push(nullptr).is_full());
      CHECK(ring.size_hint() == capacity);
      for (std::size_t i = 0; i < capacity; ++i) REQUIRE(**ring.try_pop() == static_cast<int>(i));
      CHECK(ring.try_pop().is_empty());
    }
  }
  static_assert(dynamic_ring::capacity == policy::dynamic);
  static_assert(!std::is_default_constructible_v<dynamic_ring> && std::is_nothrow_move_constructible_v<dynamic_ring>);
  static_assert(!std::is_move_constructible_v<mpmc_ring<int>> && !std::is_copy_constructible_v<dynamic_ring>);
  static_assert(sizeof(mpmc_ring<int>) == 3 * 2 * frys::cache_line + 1024 * 8);
  CHECK(mpmc_ring<int, policy::capacity<16>>().slot_count() == 16);
}

TEST_CASE("mpmc_ring: a capacity that is none, or too large, is an error") {
  for (std::size_t wrong : {std::size_t{0}, std::size_t{3}, std::size_t{1000}}) {
    const auto made = dynamic_ring::make(wrong);
    REQUIRE_FALSE(made);
    CHECK(made.error() == frys::errc::invalid_argument);
    CHECK(made.error().number == static_cast<std::int64_t>(wrong));
  }
  const auto huge = dynamic_ring::make(std::size_t{1} << (sizeof(std::size_t) * 8 - 1));
  REQUIRE_FALSE(huge);
  CHECK(huge.error() == frys::errc::out_of_memory);
}

TEST_CASE("mpmc_ring: a ring of make moves with its values and gives its memory back once") {
  using ring = mpmc_ring<std::shared_ptr<int>, policy::pages<counted_pages>, policy::capacity<policy::dynamic>>;
  counted_pages::refuses = true;
  CHECK_FALSE(ring::make(8));
  counted_pages::refuses = false;
  auto alive = std::make_shared<int>(0);
  {
    auto made = ring::make(8);
    REQUIRE(made);
    for (int i = 0; i < 5; ++i) REQUIRE(made->try_push(alive));
    ring moved = std::move(*made);
    CHECK(counted_pages::given == 1);
    for (int i = 0; i < 3; ++i) REQUIRE(moved.try_push(alive));
    CHECK(moved.try_push(alive).is_full());
    CHECK(moved.try_pop());
    moved.close();
    ring again = std::move(moved);
    CHECK(again.is_closed());
    CHECK(again.try_push(alive).is_closed());
    CHECK(alive.use_count() == 8);
  }
  CHECK(alive.use_count() == 1);
  CHECK(counted_pages::given == 0);
}

TEST_CASE("mpmc_ring: a ring of make between threads: every value once, in order") {
  auto made = mpmc_ring<std::uint64_t, policy::capacity<policy::dynamic>>::make(16);
  REQUIRE(made);
  crowd::hand_over(*made, 2, 2, 5000);
}

TEST_CASE("mpmc_ring: threads that push and pop several at once lose and double nothing") {
  mpmc_ring<std::uint64_t, policy::capacity<64>> ring;
  constexpr std::uint64_t each = 20'000;
  std::atomic<std::uint64_t> sum{0}, count{0};
  std::atomic<bool> ordered{true};
  std::vector<std::thread> all;
  for (std::uint64_t p = 0; p < 2; ++p)
    all.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each;) {
        std::uint64_t some[7];
        std::size_t n = 0;
        for (; n < 7 && i + n < each; ++n) some[n] = p << 32 | (i + n);
        const std::size_t pushed = ring.push_some({some, n});
        i += pushed;
        if (pushed == 0) std::this_thread::yield();
      }
    });
  for (int c = 0; c < 2; ++c)
    all.emplace_back([&] {
      std::uint64_t next[2] = {0, 0};
      while (count < 2 * each) {
        std::uint64_t some[5];
        const std::size_t n = ring.pop_some(some);
        if (n == 0) std::this_thread::yield();
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint64_t value = some[i] & 0xffff'ffff;
          if (value < next[some[i] >> 32]) ordered = false;
          next[some[i] >> 32] = value + 1;
          sum += value;
        }
        count += n;
      }
    });
  for (auto& t : all) t.join();
  CHECK(ordered);
  CHECK(count == 2 * each);
  CHECK(sum == each * (each - 1));
}

TEST_CASE("mpmc_ring: blocking takes a ring of make") {
  auto made = mpmc_ring<int, policy::capacity<policy::dynamic>>::make(2);
  REQUIRE(made);
  frys::blocking<mpmc_ring<int, policy::capacity<policy::dynamic>>> queue(std::move(*made));
  int sum = 0;
  std::thread consumer([&] {
    while (auto v = queue.pop()) sum += *v;
  });
  for (int i = 1; i <= 100; ++i) CHECK(queue.push(int{i}));
  queue.close();
  consumer.join();
  CHECK(sum == 5050);
}
