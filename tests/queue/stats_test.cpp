#include <frys/queue/stats.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/segment_queue.hpp>

namespace {

namespace policy = frys::policy;
namespace stats = frys::stats;
using counted = policy::stats<stats::counted>;
using frys::queue_statistics;

template <class... P>
using ring_of = frys::mpmc_ring<std::uint64_t, policy::capacity<4>, P...>;
template <class... P>
using queue_of = frys::segment_queue<std::uint64_t, policy::capacity<4>, P...>;
template <class Q>
concept has_stats = requires(const Q& q) {
  { q.stats() } -> std::same_as<queue_statistics>;
};

// Nothing is counted unless one asks, and then it costs nothing.
static_assert(!has_stats<ring_of<>> && !has_stats<queue_of<>>);
static_assert(!has_stats<ring_of<policy::stats<stats::none>>>);
static_assert(has_stats<ring_of<counted>> && has_stats<queue_of<counted>>);
static_assert(std::is_empty_v<stats::none::side<frys::atomics::standard, false>>);
static_assert(sizeof(ring_of<>) == 3 * 2 * frys::cache_line + 2 * frys::cache_line);
static_assert(sizeof(ring_of<counted>) == sizeof(ring_of<>) + 4 * frys::cache_line);
static_assert(frys::queue_stats<stats::none> && frys::queue_stats<stats::counted> && !frys::queue_stats<int>);

// What a user may count in the place of ours.
struct told {
  static inline std::atomic<int> refused_count{0}, lost_count{0};
  template <class Atomics, bool OneThread>
  struct side {
    void refused() noexcept { ++refused_count; }
    void lost_race() noexcept { ++lost_count; }
  };
};
static_assert(frys::queue_stats<told> && !has_stats<ring_of<policy::stats<told>>>);

}  // namespace

TEST_CASE("stats: pushes, pops, and those that were refused") {
  const auto check = [](auto& queue, std::uint64_t room) {
    CHECK(queue.stats() == queue_statistics{});
    CHECK(queue.try_pop().is_empty());
    for (std::uint64_t i = 0; i < room; ++i) REQUIRE(queue.try_push(i));
    for (int i = 0; i < 3; ++i) CHECK(queue.try_push(9).is_full());
    std::uint64_t some[3] = {};
    CHECK(queue.push_some(some) == 0);
    CHECK(queue.pop_some(some) == 3);
    for (std::uint64_t i = 3; i < room; ++i) REQUIRE(queue.try_pop());
    CHECK(queue.pop_some(some) == 0);
    queue.close();
    CHECK(queue.try_push(9).is_closed());
    CHECK(queue.push_some(some) == 0);
    CHECK(queue.try_pop().is_closed());
    CHECK(queue.stats() == queue_statistics{.pushes = room, .pops = room, .full = 4, .empty = 3});
  };
  ring_of<counted> ring;
  check(ring, 4);
  auto made = frys::mpmc_ring<std::uint64_t, policy::capacity<policy::dynamic>, counted>::make(8);
  REQUIRE(made);
  check(*made, 8);
  queue_of<counted, policy::limit<2 * queue_of<>::segment_bytes>> queue;
  check(queue, 8);
}

TEST_CASE("stats: many laps, and segments that are used again") {
  ring_of<counted> ring;
  queue_of<counted> queue;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    REQUIRE(ring.try_push(i));
    REQUIRE(queue.try_push(i));
    CHECK(ring.stats().pushes == i + 1);
    CHECK(queue.stats().pushes == i + 1);
    REQUIRE(ring.try_pop());
    REQUIRE(queue.try_pop());
    CHECK(ring.stats().pops == i + 1);
    CHECK(queue.stats().pops == i + 1);
  }
  CHECK(queue.stats().full + queue.stats().empty == 0);
}

TEST_CASE("stats: one's own model is told the same") {
  told::refused_count = told::lost_count = 0;
  ring_of<policy::stats<told>> ring;
  CHECK(ring.try_pop().is_empty());
  while (ring.try_push(1)) {
  }
  CHECK(told::refused_count == 2);
  CHECK(told::lost_count == 0);
}

TEST_CASE("stats: eight threads, and the numbers agree with what they saw") {
  const auto check = [](auto& queue) {
    constexpr std::uint64_t each = 3'000;
    std::atomic<std::uint64_t> full{0}, empty{0}, popped{0};
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t) {
      all.emplace_back([&] {
        std::uint64_t refused = 0;
        for (std::uint64_t i = 0; i < each;) {
          if (queue.try_push(i))
            ++i;
          else
            ++refused, std::this_thread::yield();
        }
        full += refused;
      });
      all.emplace_back([&] {
        std::uint64_t refused = 0;
        while (popped.load(std::memory_order_relaxed) < 4 * each) {
          if (queue.try_pop())
            ++popped;
          else
            ++refused, std::this_thread::yield();
        }
        empty += refused;
      });
    }
    for (auto& t : all) t.join();
    const queue_statistics s = queue.stats();
    CHECK(s.pushes == 4 * each);
    CHECK(s.pops == 4 * each);
    CHECK(s.full == full);
    CHECK(s.empty == empty);
  };
  ring_of<counted> ring;
  check(ring);
  queue_of<counted> queue;
  check(queue);
}
