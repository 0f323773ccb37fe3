#include <frys/queue/mpmc_ring.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
// Every value comes out once; each consumer sees each producer's values in order; close ends all.
template <std::size_t Capacity>
void crowd(unsigned producers, unsigned consumers, std::uint64_t each) {
  mpmc_ring<std::uint64_t, policy::capacity<Capacity>> ring;
  std::atomic<std::uint64_t> sum{0}, count{0};
  std::atomic<bool> ordered{true};
  std::vector<std::thread> in, out;
  for (unsigned c = 0; c < consumers; ++c)
    out.emplace_back([&] {
      std::vector<std::uint64_t> next(producers, 0);
      for (;;) {
        auto v = ring.try_pop();
        if (v.is_closed()) return;
        if (!v) {
          std::this_thread::yield();
          continue;
        }
        const std::uint64_t producer = *v >> 32, n = *v & 0xffff'ffff;
        if (n < next[producer]) ordered = false;
        next[producer] = n + 1;
        sum += n;
        ++count;
      }
    });
  for (unsigned p = 0; p < producers; ++p)
    in.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each;) {
        if (ring.try_push(std::uint64_t{p} << 32 | i))
          ++i;
        else
          std::this_thread::yield();
      }
    });
  for (auto& t : in) t.join();
  ring.close();
  for (auto& t : out) t.join();
  CHECK(ordered);
  CHECK(count == producers * each);
  CHECK(sum == producers * (each * (each - 1) / 2));
}
}  // namespace

TEST_CASE("mpmc_ring: two producers, two consumers, one slot: every value once, in order") { crowd<1>(2, 2, 1000); }
TEST_CASE("mpmc_ring: two producers, two consumers, four slots: every value once, in order") { crowd<4>(2, 2, 5000); }
TEST_CASE("mpmc_ring: three producers, one consumer: every value once, in order") { crowd<64>(3, 1, 10'000); }
TEST_CASE("mpmc_ring: one producer, three consumers: every value once, in order") { crowd<64>(1, 3, 20'000); }

TEST_CASE("mpmc_ring: what was accepted before a close in the middle comes out, no more and no less") {
  for (int round = 0; round < 30; ++round) {
    mpmc_ring<std::unique_ptr<int>, policy::capacity<8>> ring;
    std::atomic<int> accepted{0}, taken{0};
    std::vector<std::thread> all;
    for (int p = 0; p < 2; ++p)
      all.emplace_back([&] {
        for (;;) {
          const push_result r = ring.try_push(std::make_unique<int>(1));
          if (r.is_closed()) return;
          if (r)
            ++accepted;
          else
            std::this_thread::yield();
        }
      });
    for (int c = 0; c < 2; ++c)
      all.emplace_back([&] {
        for (;;) {
          auto v = ring.try_pop();
          if (v.is_closed()) return;
          if (v)
            ++taken;
          else
            std::this_thread::yield();
        }
      });
    while (taken < 50 + round) std::this_thread::yield();
    ring.close();
    for (auto& t : all) t.join();
    REQUIRE(accepted == taken);
    REQUIRE(ring.size_hint() == 0);
  }
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
