#include <frys/queue/stats.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <type_traits>
#include <vector>

#include <frys/queue/bag.hpp>
#include <frys/queue/blocking.hpp>
#include <frys/queue/broadcast_ring.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/mpsc_queue.hpp>
#include <frys/queue/segment_queue.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/queue/stealing_deque.hpp>

namespace {

namespace policy = frys::policy;
namespace stats = frys::stats;
using counted = policy::stats<stats::counted>;
using frys::queue_statistics;

template <class... P>
using ring_of = frys::mpmc_ring<std::uint64_t, policy::capacity<4>, P...>;
template <class... P>
using queue_of = frys::segment_queue<std::uint64_t, policy::capacity<4>, P...>;
template <class... P>
using pair_of = frys::spsc_ring<std::uint64_t, policy::capacity<4>, P...>;
using niche = policy::niche<~std::uint64_t{0}>;
using overwrites = policy::overflow<frys::overflow::overwrite>;
using lazy = policy::publish<frys::publish::lazy>;
template <class... P>
using mpsc_of = frys::mpsc_queue<std::uint64_t, policy::capacity<4>, P...>;
template <class Q>
concept has_stats = requires(const Q& q) {
  { q.stats() } -> std::same_as<queue_statistics>;
};

// Nothing is counted unless one asks, and then it costs nothing.
static_assert(!has_stats<ring_of<>> && !has_stats<queue_of<>>);
static_assert(!has_stats<ring_of<policy::stats<stats::none>>>);
static_assert(has_stats<ring_of<counted>> && has_stats<queue_of<counted>>);
static_assert(!has_stats<pair_of<>> && !has_stats<pair_of<niche>> && !has_stats<pair_of<lazy>> &&
              !has_stats<pair_of<overwrites>> && !has_stats<mpsc_of<>>);
static_assert(has_stats<pair_of<counted>> && has_stats<pair_of<niche, counted>> && has_stats<pair_of<lazy, counted>> &&
              has_stats<pair_of<overwrites, counted>> && has_stats<mpsc_of<counted>>);
static_assert(std::is_empty_v<stats::none::side<frys::atomics::standard, false>>);
static_assert(sizeof(ring_of<>) == 3 * 2 * frys::cache_line + 2 * frys::cache_line);
static_assert(sizeof(ring_of<counted>) == sizeof(ring_of<>) + 4 * frys::cache_line);
// A side of one thread counts in the line that it has anyway.
static_assert(sizeof(pair_of<counted>) == sizeof(pair_of<>) && sizeof(pair_of<lazy, counted>) == sizeof(pair_of<>));
static_assert(sizeof(pair_of<niche, counted>) == sizeof(pair_of<niche>));
static_assert(sizeof(pair_of<overwrites, counted>) == sizeof(pair_of<overwrites>));
static_assert(pair_of<counted>::shared_form != pair_of<>::shared_form);
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

// Calls check(ring, with...) for an spsc_ring in each form whose producer may be refused.
void over_pairs(const auto& check, auto... with) {
  pair_of<counted> plain;
  check(plain, with...);
  pair_of<lazy, counted> late;
  check(late, with...);
  pair_of<niche, counted> marked;
  check(marked, with...);
}

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
  mpsc_of<counted, policy::limit<2 * mpsc_of<>::segment_bytes>> to_one;
  check(to_one, 8);
  over_pairs(check, std::uint64_t{4});
  auto moved = frys::spsc_ring<std::uint64_t, policy::capacity<policy::dynamic>, counted>::make(8);
  REQUIRE(moved);
  check(*moved, 8);
}

TEST_CASE("stats: what goes in or out in part was not refused") {
  const auto check = [](auto& queue, std::uint64_t room) {
    std::uint64_t many[20] = {}, none_at_all[1] = {};
    CHECK(queue.push_some(std::span(none_at_all, 0)) == 0);
    CHECK(queue.pop_some(std::span(none_at_all, 0)) == 0);
    CHECK(queue.push_some(many) == room);
    std::uint64_t out = 0;
    while (out < room) out += queue.pop_some(many);
    CHECK(queue.stats() == queue_statistics{.pushes = room, .pops = room});
  };
  ring_of<counted> ring;
  check(ring, 4);
  queue_of<counted, policy::limit<2 * queue_of<>::segment_bytes>> queue;
  check(queue, 8);
  mpsc_of<counted, policy::limit<2 * mpsc_of<>::segment_bytes>> to_one;
  check(to_one, 8);
  over_pairs(check, std::uint64_t{4});
}

TEST_CASE("stats: an spsc_ring's spans, front and flags") {
  const auto check = [](auto& ring) {
    CHECK(ring.front() == nullptr);
    CHECK(!ring.pop_front());
    CHECK(!ring.is_drained());  // asks, and pops nothing
    REQUIRE(ring.try_push(1));
    CHECK(ring.front() != nullptr);
    CHECK(ring.stats() == queue_statistics{.pushes = 1, .empty = 2});
    CHECK(ring.pop_front());
    CHECK(ring.stats() == queue_statistics{.pushes = 1, .pops = 1, .empty = 2});
  };
  pair_of<counted> ring;
  check(ring);
  pair_of<lazy, counted> late;
  check(late);
  pair_of<niche, counted> marked;
  check(marked);

  CHECK(ring.readable().empty());
  CHECK(ring.readable(0).empty());  // asks for nothing
  CHECK(ring.writable(0).empty());
  CHECK(ring.writable().size() == 3);
  ring.commit(3);
  REQUIRE(ring.try_push(1));
  CHECK(ring.writable().empty());
  CHECK(ring.readable().size() == 3);
  ring.consume(2);
  CHECK(ring.stats() == queue_statistics{.pushes = 5, .pops = 3, .full = 1, .empty = 3});
  REQUIRE(ring.try_push(1));
  REQUIRE(ring.try_push(1));
  ring.abandon();
  std::uint64_t some[2] = {};
  CHECK(ring.try_push(1).is_closed());  // full too; but closed is what it is told
  CHECK(ring.push_some(some) == 0);
  CHECK(ring.writable().empty());
  CHECK(ring.stats().full == 1);
  while (marked.try_push(1)) {
  }
  CHECK(marked.stats().full == 1);
  marked.abandon();
  CHECK(marked.try_push(1).is_closed());
  CHECK(marked.push_some(some) == 0);
  CHECK(marked.stats().full == 1);
}

TEST_CASE("stats: a lazy ring counts each pop, told or not") {
  frys::spsc_ring<std::uint64_t, policy::capacity<1024>, lazy, counted> ring;
  for (std::uint64_t i = 0; i < 700; ++i) REQUIRE(ring.try_push(i));
  for (std::uint64_t i = 0; i < 700; ++i) {
    REQUIRE(ring.try_pop());
    CHECK(ring.stats().pops == i + 1);
  }
  CHECK(ring.stats() == queue_statistics{.pushes = 700, .pops = 700});
}

TEST_CASE("stats: a ring that overwrites tells what was lost") {
  pair_of<overwrites, counted> ring;
  CHECK(ring.try_pop().is_empty());
  for (std::uint64_t i = 0; i < 10; ++i) REQUIRE(ring.try_push(i));
  CHECK(ring.stats() == queue_statistics{.pushes = 10, .empty = 1});  // nobody has been there to miss them
  std::uint64_t some[4] = {};
  CHECK(ring.try_pop());
  CHECK(ring.pop_some(some) == 3);
  CHECK(ring.pop_some(some) == 0);
  CHECK(ring.missed() == 6);
  CHECK(ring.stats() == queue_statistics{.pushes = 10, .pops = 4, .empty = 2, .missed = 6});
  ring.close();
  CHECK(ring.try_push(1).is_closed());
  CHECK(ring.try_pop().is_closed());
  CHECK(ring.stats() == queue_statistics{.pushes = 10, .pops = 4, .empty = 3, .missed = 6});
}

TEST_CASE("stats: many laps, and segments that are used again") {
  const auto check = [](auto&& queue) {
    for (std::uint64_t i = 0; i < 1000; ++i) {
      REQUIRE(queue.try_push(i));
      CHECK(queue.stats() == queue_statistics{.pushes = i + 1, .pops = i});
      REQUIRE(queue.try_pop());
      CHECK(queue.stats() == queue_statistics{.pushes = i + 1, .pops = i + 1});
    }
  };
  check(ring_of<counted>{});
  check(queue_of<counted>{});
  check(mpsc_of<counted>{});
  check(pair_of<counted>{});
  check(pair_of<lazy, counted>{});
  check(pair_of<niche, counted>{});
  check(pair_of<overwrites, counted>{});
}

TEST_CASE("stats: a bag adds up what its handles saw, of those that have gone too") {
  using bag_of_four = frys::bag<std::uint64_t, policy::capacity<4>, policy::portion<2>, policy::seats<2>,
                                policy::limit<2 * frys::bag<std::uint64_t, policy::capacity<4>>::block_bytes>, counted>;
  static_assert(has_stats<bag_of_four> && !has_stats<frys::bag<int>>);
  bag_of_four bag;
  std::uint64_t some[3] = {};
  for (std::uint64_t round = 1; round <= 2; ++round) {
    auto in = bag.producer();
    auto out = bag.consumer();
    REQUIRE(in);
    REQUIRE(out);
    while (out->try_pop()) {  // what is left from before; and nothing
    }
    const queue_statistics before = bag.stats();
    CHECK(before.empty == 3 * round - 2);
    std::uint64_t room = 0;
    while (in->try_push(1)) ++room;
    CHECK(in->push_some(some) == 0);
    CHECK(in->push_some(std::span(some, 0)) == 0);
    CHECK(out->pop_some(some) == 2);
    CHECK(bag.stats() ==
          queue_statistics{
              .pushes = before.pushes + room, .pops = before.pops + 2, .full = 2 * round, .empty = before.empty});
    while (out->try_pop()) {
    }
    CHECK(out->pop_some(some) == 0);
    CHECK(out->pop_some(std::span(some, 0)) == 0);
    const queue_statistics after = bag.stats();
    CHECK(after.pops == after.pushes);
    CHECK(after.empty == before.empty + 2);
    CHECK(after.lost_pop_races == 0);
  }
  auto in = bag.producer();
  auto out = bag.consumer();
  REQUIRE(in);
  REQUIRE(out);
  while (in->try_push(1)) {
  }
  const queue_statistics before = bag.stats();
  CHECK(out->try_pop());
  CHECK(bag.stats().pops == before.pops + 2);  // it has a portion
  bag.close();
  CHECK(in->try_push(1).is_closed());
  CHECK(in->push_some(some) == 0);
  CHECK(bag.stats().full == before.full);
}

TEST_CASE("stats: a bag's push_some that is cut short was not refused") {
  frys::bag<int, policy::capacity<4>, policy::limit<2 * frys::bag<int, policy::capacity<4>>::block_bytes>, counted> bag;
  auto in = bag.producer();
  REQUIRE(in);
  int many[20] = {};
  CHECK(in->push_some(many) == 8);
  CHECK(bag.stats() == queue_statistics{.pushes = 8});
}

TEST_CASE("stats: a broadcast_ring and each of its readers") {
  using ring_type = frys::broadcast_ring<int, policy::capacity<4>, policy::independent_readers<2>, counted>;
  static_assert(has_stats<ring_type> && !has_stats<frys::broadcast_ring<int>>);
  static_assert(sizeof(ring_type) ==
                sizeof(frys::broadcast_ring<int, policy::capacity<4>, policy::independent_readers<2>>));
  ring_type ring;
  auto first = ring.reader(0), second = ring.reader(1);
  CHECK(first.try_pop().is_empty());
  CHECK(first.front() == nullptr);
  CHECK(!first.pop_front());
  CHECK(first.readable().empty());
  CHECK(first.readable(0).empty());
  CHECK(!first.is_drained());
  CHECK(ring.writable(0).empty());
  int some[6] = {};
  CHECK(ring.push_some(std::span(some, 0)) == 0);
  CHECK(ring.push_some(some) == 4);
  CHECK(ring.push_some(some) == 0);
  CHECK(ring.try_push(1).is_full());
  CHECK(ring.writable().empty());
  REQUIRE(first.try_pop());
  REQUIRE(first.pop_front());
  first.consume(first.readable(1).size());
  CHECK(first.stats() == queue_statistics{.pushes = 4, .pops = 3, .empty = 4});
  CHECK(second.stats() == queue_statistics{.pushes = 4});
  CHECK(ring.stats() == queue_statistics{.pushes = 4, .full = 3, .empty = 4});
  CHECK(second.readable().size() == 4);
  second.consume(2);
  CHECK(second.stats() == queue_statistics{.pushes = 4, .pops = 2});
  CHECK(ring.stats() == queue_statistics{.pushes = 4, .pops = 2, .full = 3, .empty = 4});
  second.leave();
  CHECK(second.stats() == queue_statistics{.pushes = 4, .pops = 4});
  CHECK(ring.stats().pops == 3);
  REQUIRE(ring.try_push(1));
  first.leave();
  CHECK(ring.stats().pops == 5);
  while (ring.try_push(1)) {
  }
  CHECK(ring.push_some(some) == 0);
  CHECK(ring.writable().empty());
  CHECK(ring.stats().full == 3);  // those were told closed
}

TEST_CASE("stats: a stealing_deque counts for its owner and for thieves") {
  using frys::deque_statistics;
  frys::stealing_deque<int, policy::capacity<8>, counted> deque, other;
  auto owner = deque.owner(), other_owner = other.owner();
  auto thief = deque.thief();
  CHECK(deque.stats() == deque_statistics{});
  CHECK(owner.try_pop().is_empty());
  CHECK(thief.try_steal().is_empty());
  int many[20] = {};
  CHECK(owner.push_some(std::span(many, 0)) == 0);
  CHECK(owner.push_some(many) == 8);
  CHECK(deque.stats() == deque_statistics{.empty = 1, .empty_steals = 1});
  CHECK(owner.push_some(many) == 0);
  CHECK(owner.try_push(1).is_full());
  CHECK(deque.stats() == deque_statistics{.full = 2, .empty = 1, .empty_steals = 1});
  owner.share();
  CHECK(thief.try_steal());
  CHECK(thief.steal_batch(std::span(many, 2)) == 2);
  CHECK(thief.steal_batch(other_owner, 2) == 2);
  CHECK(deque.stats() == deque_statistics{.full = 2, .empty = 1, .stolen = 5, .empty_steals = 1});
  CHECK(other.stats() == deque_statistics{});
  owner.close();
  while (owner.try_pop()) {
  }
  CHECK(thief.steal_batch(many) == 0);
  CHECK(thief.steal_batch(other_owner) == 0);
  CHECK(thief.try_steal().is_closed());
  CHECK(owner.try_push(1).is_closed());
  CHECK(owner.push_some(many) == 0);
  CHECK(deque.stats() == deque_statistics{.full = 2, .empty = 2, .stolen = 5, .empty_steals = 4});

  frys::stealing_deque<int, policy::chunk_size<256>, counted> growing;
  auto grower = growing.owner();
  std::uint64_t growths = 0;
  for (int i = 1; i <= 1000; ++i) {
    REQUIRE(grower.try_push(i));
    CHECK(growing.stats().growths - growths <= 1);
    growths = growing.stats().growths;
  }
  CHECK(growths >= 4);
  while (grower.try_pop()) {
  }
  CHECK(growing.stats() == deque_statistics{.empty = 1, .growths = growths});
}

TEST_CASE("stats: one's own model is told the same") {
  told::refused_count = told::lost_count = 0;
  ring_of<policy::stats<told>> ring;
  CHECK(ring.try_pop().is_empty());
  while (ring.try_push(1)) {
  }
  CHECK(told::refused_count == 2);
  const auto one_of_each = [](auto&& queue) {
    told::refused_count = 0;
    CHECK(queue.try_pop().is_empty());
    while (queue.try_push(1)) {
    }
    CHECK(told::refused_count == 2);
  };
  using model = policy::stats<told>;
  one_of_each(pair_of<model>{});
  one_of_each(pair_of<lazy, model>{});
  one_of_each(pair_of<niche, model>{});
  one_of_each(mpsc_of<model, policy::limit<2 * mpsc_of<>::segment_bytes>>{});
  CHECK(told::lost_count == 0);
}

TEST_CASE("stats: eight threads, and the numbers agree with what they saw") {
  const auto check = [](auto& queue, int pairs = 4, int consumers = 4) {
    constexpr std::uint64_t each = 3'000;
    const std::uint64_t total = each * static_cast<std::uint64_t>(pairs);
    std::atomic<std::uint64_t> full{0}, empty{0}, popped{0};
    std::vector<std::thread> all;
    for (int t = 0; t < pairs; ++t) {
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
      if (t >= consumers) continue;
      all.emplace_back([&] {
        std::uint64_t refused = 0;
        while (popped.load(std::memory_order_relaxed) < total) {
          if (queue.try_pop())
            ++popped;
          else
            ++refused, std::this_thread::yield();
        }
        empty += refused;
      });
    }
    queue_statistics last;
    while (popped.load(std::memory_order_relaxed) < total) {  // anybody may ask
      const queue_statistics now = queue.stats();
      CHECK(now.pushes >= last.pushes);
      CHECK(now.pops >= last.pops);
      CHECK(now.full + now.empty >= last.full + last.empty);
      last = now;
      std::this_thread::yield();
    }
    for (auto& t : all) t.join();
    const queue_statistics s = queue.stats();
    CHECK(s.pushes == total);
    CHECK(s.pops == total);
    CHECK(s.full == full);
    CHECK(s.empty == empty);
  };
  ring_of<counted> ring;
  check(ring);
  queue_of<counted> queue;
  check(queue);
  mpsc_of<counted, policy::limit<4 * mpsc_of<>::segment_bytes>> to_one;
  check(to_one, 4, 1);
  over_pairs(check, 1);
}

TEST_CASE("stats: four threads at a bag") {
  frys::bag<std::uint64_t, policy::capacity<8>, policy::portion<4>, counted> bag;
  constexpr std::uint64_t each = 5'000;
  std::atomic<std::uint64_t> popped{0}, empty{0};
  std::vector<std::thread> all;
  for (int t = 0; t < 2; ++t) {
    all.emplace_back([&] {
      auto in = bag.producer();
      for (std::uint64_t i = 0; i < each; ++i) (void)in->try_push(i);
    });
    all.emplace_back([&] {
      auto out = bag.consumer();
      std::uint64_t refused = 0;
      while (popped.load(std::memory_order_relaxed) < 2 * each) {
        if (out->try_pop())
          ++popped;
        else
          ++refused, std::this_thread::yield();
      }
      empty += refused;
    });
  }
  while (popped.load(std::memory_order_relaxed) < 2 * each) {
    CHECK(bag.stats().pushes <= 2 * each);
    std::this_thread::yield();
  }
  for (auto& t : all) t.join();
  queue_statistics s = bag.stats();
  s.lost_pop_races = 0;
  CHECK(s == queue_statistics{.pushes = 2 * each, .pops = 2 * each, .empty = empty});
}

TEST_CASE("stats: a producer and two readers of a broadcast_ring") {
  frys::broadcast_ring<std::uint64_t, policy::capacity<8>, policy::independent_readers<2>, counted> ring;
  constexpr std::uint64_t count = 5'000;
  std::atomic<std::uint64_t> full{0};
  std::uint64_t empty[2] = {};
  std::vector<std::thread> all;
  all.emplace_back([&] {
    for (std::uint64_t i = 0; i < count;) {
      if (ring.try_push(i))
        ++i;
      else
        ++full, std::this_thread::yield();
    }
    ring.close();
  });
  for (std::size_t number : {std::size_t{0}, std::size_t{1}})
    all.emplace_back([&ring, &mine = empty[number], number] {
      auto reader = ring.reader(number);
      while (!reader.is_drained())
        if (!reader.try_pop()) ++mine, std::this_thread::yield();
    });
  while (ring.stats().pops < count) {
    CHECK(ring.stats().pushes <= count);
    std::this_thread::yield();
  }
  for (auto& t : all) t.join();
  CHECK(ring.stats() == queue_statistics{.pushes = count, .pops = count, .full = full, .empty = empty[0] + empty[1]});
  for (std::size_t number : {std::size_t{0}, std::size_t{1}})
    CHECK(ring.reader(number).stats() == queue_statistics{.pushes = count, .pops = count, .empty = empty[number]});
}

TEST_CASE("stats: an owner and two thieves") {
  frys::stealing_deque<std::uint64_t, policy::chunk_size<256>, counted> deque;
  constexpr std::uint64_t count = 5'000;
  std::atomic<std::uint64_t> stolen{0}, in_vain{0};
  std::vector<std::thread> thieves;
  for (int t = 0; t < 2; ++t)
    thieves.emplace_back([&] {
      auto thief = deque.thief();
      std::uint64_t some[4], mine = 0, none = 0;
      while (!thief.is_drained()) {
        const std::size_t got = thief.steal_batch(some);
        mine += got;
        if (got == 0) ++none, std::this_thread::yield();
      }
      stolen += mine, in_vain += none;
    });
  std::uint64_t popped = 0, empty = 0;
  {
    auto owner = deque.owner();
    for (std::uint64_t i = 0; i < count; ++i) {
      REQUIRE(owner.try_push(i));
      if (i % 3 != 0) continue;
      if (owner.try_pop())
        ++popped;
      else
        ++empty;
      CHECK(deque.stats().stolen <= count);
    }
    owner.close();
  }
  for (auto& t : thieves) t.join();
  const frys::deque_statistics s = deque.stats();
  CHECK(s.stolen == stolen);
  CHECK(s.stolen + popped == count);
  CHECK(s.empty_steals == in_vain);
  CHECK(s.empty == empty);
  CHECK(s.full == 0);
}

TEST_CASE("stats: two threads at a ring that overwrites: what was pushed was popped or missed") {
  pair_of<overwrites, counted> ring;
  std::uint64_t popped = 0, refused = 0;
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < 20'000; ++i) (void)ring.try_push(i);
    ring.close();
  });
  for (bool closed = false; !closed;) {
    const auto got = ring.try_pop();
    popped += static_cast<bool>(got);
    refused += !got;
    closed = got.is_closed();
  }
  producer.join();
  CHECK(ring.stats() ==
        queue_statistics{.pushes = 20'000, .pops = popped, .empty = refused, .missed = 20'000 - popped});
}
