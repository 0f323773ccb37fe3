#include <frys/queue/stealing_deque.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using frys::push_result;
using frys::stealing_deque;
namespace policy = frys::policy;

namespace {

template <std::size_t N>
using fixed = stealing_deque<int, policy::capacity<N>>;

// Refuses after `left` allocations.
struct scarce_pages {
  static inline int left = 0;
  static inline int alive = 0;
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    if (left == 0) return frys::error{frys::errc::out_of_memory, frys::domain::memory, "the test has no more pages", 0};
    --left;
    ++alive;
    return frys::heap_pages::allocate(size);
  }
  static void release(frys::byte_span memory) noexcept {
    --alive;
    frys::heap_pages::release(memory);
  }
};

template <class Deque>
std::vector<int> steal_all(Deque& deque) {
  std::vector<int> out;
  for (auto thief = deque.thief();;) {
    auto v = thief.try_steal();
    if (!v) return out;
    out.push_back(*v);
  }
}

}  // namespace

TEST_CASE("stealing_deque: the owner's end is a stack, of fixed or growing size") {
  const auto check = [](auto& deque) {
    auto owner = deque.owner();
    CHECK(owner.try_pop().is_empty());
    std::vector<int> twin;
    unsigned dice = 1;
    for (int i = 0; i < 20'000; ++i) {
      dice = dice * 1664525 + 1013904223;
      if (twin.size() < 64 && (dice >> 16) % 2 == 0) {
        REQUIRE(owner.try_push(i));
        twin.push_back(i);
      } else if (twin.empty()) {
        REQUIRE(owner.try_pop().is_empty());
      } else {
        REQUIRE(*owner.try_pop() == twin.back());
        twin.pop_back();
      }
      REQUIRE(owner.size() == twin.size());
    }
  };
  fixed<64> a;
  check(a);
  stealing_deque<int> b;
  check(b);
  stealing_deque<int, policy::chunk_size<1>> c;
  check(c);
}

TEST_CASE("stealing_deque: owner and thief in turns: a deque at every step, up and down across the end of the memory") {
  const auto check = [](auto& deque, unsigned dice) {
    auto owner = deque.owner();
    const auto thief = deque.thief();
    std::deque<int> twin;
    std::array<int, 5> some{};
    int next = 0;
    for (int i = 0; i < 30'000; ++i) {
      dice = dice * 1664525 + 1013904223;
      switch ((dice >> 16) % 8) {
        case 0:
        case 1:
          if (owner.try_push(next)) twin.push_back(next++);
          break;
        case 2:
          for (int& v : some) v = next++;
          for (std::size_t n = owner.push_some(some), k = 0; k < n; ++k) twin.push_back(some[k]);
          break;
        case 3:
        case 4:
        case 5: {
          const auto v = owner.try_pop();
          REQUIRE(v.has_value() == !twin.empty());
          if (!v) break;
          REQUIRE(*v == twin.back());
          twin.pop_back();
          break;
        }
        case 6: {
          const std::size_t shared = thief.size_hint();
          const auto v = thief.try_steal();
          REQUIRE(v.has_value() == (shared != 0));
          if (!v) break;
          REQUIRE(*v == twin.front());
          twin.pop_front();
          break;
        }
        default:
          if ((dice >> 24) % 2 == 0) owner.share();
          for (std::size_t n = thief.steal_batch(some), k = 0; k < n; ++k) {
            REQUIRE(some[k] == twin.front());
            twin.pop_front();
          }
      }
      REQUIRE(owner.size() == twin.size());
    }
  };
  for (unsigned seed = 1; seed < 4; ++seed) {
    fixed<1> one;
    check(one, seed);
    fixed<2> two;
    check(two, seed);
    fixed<8> eight;
    check(eight, seed);
    fixed<64> many;
    check(many, seed);
    stealing_deque<int, policy::chunk_size<1>> growing;
    check(growing, seed);
  }
}

TEST_CASE("stealing_deque: a thief takes the oldest of what is shared, share() gives all away") {
  fixed<16> deque;
  auto owner = deque.owner();
  auto thief = deque.thief();
  CHECK(thief.try_steal().is_empty());
  for (int i = 0; i < 8; ++i) REQUIRE(owner.try_push(i));
  CHECK(thief.size_hint() == 1);  // the second push shared the first value
  owner.share();
  CHECK(thief.size_hint() == 8);
  for (int i = 0; i < 3; ++i) CHECK(*thief.try_steal() == i);
  CHECK(*owner.try_pop() == 7);
  CHECK(*owner.try_pop() == 6);
  CHECK(owner.size() == 3);
  CHECK((steal_all(deque) == std::vector<int>{3, 4}));  // of 3 to 7 the owner took back three, and has 5
  CHECK(*owner.try_pop() == 5);
  CHECK(owner.try_pop().is_empty());
  CHECK(thief.try_steal().is_empty());
}

TEST_CASE("stealing_deque: with two values in it, the next push or pop of the owner makes the oldest one shared") {
  for (int more = 2; more < 20; ++more) {
    fixed<32> deque;
    auto owner = deque.owner();
    auto thief = deque.thief();
    for (int i = 0; i < more; ++i) REQUIRE(owner.try_push(i));
    int oldest = 0;
    while (owner.size() >= 2) {
      while (thief.try_steal()) ++oldest;
      if (owner.size() < 2) break;
      REQUIRE(owner.try_pop());
      if (owner.size() != 0) REQUIRE(*thief.try_steal() == oldest++);
      if (owner.size() < 2) break;
      while (thief.try_steal()) ++oldest;
      if (owner.size() == 0) break;
      REQUIRE(owner.try_push(100));
      REQUIRE(*thief.try_steal() == oldest++);
    }
  }
}

TEST_CASE("stealing_deque: a value alone stays the owner's") {
  fixed<4> deque;
  auto owner = deque.owner();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(owner.try_push(i));
    REQUIRE(deque.thief().try_steal().is_empty());
    REQUIRE(*owner.try_pop() == i);
  }
  REQUIRE(owner.try_push(1));
  owner.share();
  owner.share();
  CHECK(*deque.thief().try_steal() == 1);
}

TEST_CASE("stealing_deque: all slots are usable, a full one refuses the push and leaves the value alone") {
  stealing_deque<std::unique_ptr<int>, policy::capacity<4>> deque;
  auto owner = deque.owner();
  for (int lap = 0; lap < 10; ++lap) {
    for (int i = 0; i < 4; ++i) REQUIRE(owner.try_push(std::make_unique<int>(i)));
    auto fifth = std::make_unique<int>(4);
    CHECK(owner.try_push(std::move(fifth)) == push_result::full);
    REQUIRE(fifth != nullptr);  // NOLINT: the refused value was not moved from
    owner.share();
    CHECK(**deque.thief().try_steal() == 0);
    CHECK(owner.try_push(std::move(fifth)));
    for (int i = 4; i >= 1; --i) CHECK(**owner.try_pop() == i);
    CHECK(owner.try_pop().is_empty());
  }
}

TEST_CASE("stealing_deque: slots come back by the block: after steals at most an eighth of them waits") {
  fixed<64> deque;
  auto owner = deque.owner();
  for (int i = 0; i < 64; ++i) REQUIRE(owner.try_push(i));
  owner.share();
  for (int i = 0; i < 7; ++i) REQUIRE(*deque.thief().try_steal() == i);
  CHECK(owner.try_push(64).is_full());
  REQUIRE(*deque.thief().try_steal() == 7);
  for (int i = 64; i < 72; ++i) REQUIRE(owner.try_push(i));
  CHECK(owner.try_push(72).is_full());
}

TEST_CASE("stealing_deque: who pushes again until there is room lets thieves make it") {
  fixed<8> deque;
  auto owner = deque.owner();
  int oldest = 0;
  for (int i = 0; i < 1000; ++i) {
    bool stuck = true;
    for (int tries = 0; tries < 3 && stuck; ++tries) {
      stuck = !owner.try_push(i);
      if (stuck && deque.thief().try_steal()) ++oldest;
    }
    REQUIRE_FALSE(stuck);
  }
  CHECK(oldest == 992);
}

TEST_CASE("stealing_deque: one slot") {
  fixed<1> deque;
  auto owner = deque.owner();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(owner.try_push(i));
    REQUIRE(owner.try_push(i).is_full());
    if (i % 2 == 0) {
      REQUIRE(*owner.try_pop() == i);
    } else {
      owner.share();
      REQUIRE(*deque.thief().try_steal() == i);
    }
    REQUIRE(owner.try_pop().is_empty());
  }
}

TEST_CASE("stealing_deque: a batch takes the older half, in order, across the end of the memory") {
  fixed<16> deque;
  auto owner = deque.owner();
  auto thief = deque.thief();
  int next = 0, oldest = 0;
  std::array<int, 16> loot{};
  CHECK(thief.steal_batch(loot) == 0);
  for (int round = 0; round < 50; ++round) {
    while (owner.try_push(next)) ++next;
    owner.share();
    const std::size_t there = thief.size_hint();
    REQUIRE(there == owner.size());
    CHECK(thief.steal_batch(std::span<int>()) == 0);
    const std::size_t got = thief.steal_batch(loot);
    REQUIRE(got == (there + 1) / 2);
    for (std::size_t i = 0; i < got; ++i) REQUIRE(loot[i] == oldest++);
    REQUIRE(thief.steal_batch(std::span(loot).first(3)) == 3);
    for (std::size_t i = 0; i < 3; ++i) REQUIRE(loot[i] == oldest++);
  }
}

TEST_CASE("stealing_deque: a batch goes to another deque, as far as there is room") {
  fixed<16> from, small;
  stealing_deque<int, policy::capacity<16>> to;
  auto giver = from.owner();
  auto taker = to.owner();
  CHECK(from.thief().steal_batch(taker) == 0);
  for (int i = 0; i < 16; ++i) REQUIRE(giver.try_push(i));
  giver.share();
  CHECK(from.thief().steal_batch(taker, 0) == 0);
  CHECK(from.thief().steal_batch(taker, 5) == 5);
  CHECK(from.thief().steal_batch(taker) == 6);
  CHECK(taker.size() == 11);
  CHECK(to.thief().size_hint() > 0);  // and something of it is shared there
  CHECK(from.thief().steal_batch(taker) == 3);
  CHECK(from.thief().steal_batch(taker) == 1);
  CHECK(from.thief().steal_batch(taker) == 1);
  CHECK(from.thief().size_hint() == 0);
  for (int i = 15; i >= 0; --i) CHECK(*taker.try_pop() == i);

  auto few = small.owner();
  for (int i = 0; i < 14; ++i) REQUIRE(few.try_push(100 + i));
  for (int i = 0; i < 16; ++i) REQUIRE(giver.try_push(i));
  giver.share();
  CHECK(from.thief().steal_batch(few) == 2);
  CHECK(from.thief().steal_batch(few) == 0);
  CHECK(*few.try_pop() == 1);
  few.close();
  CHECK(from.thief().steal_batch(few) == 0);
  CHECK(from.thief().size_hint() == 14);
}

TEST_CASE("stealing_deque: many at once, as far as there is room") {
  fixed<8> deque;
  auto owner = deque.owner();
  std::array<int, 12> values{};
  std::iota(values.begin(), values.end(), 0);
  CHECK(owner.push_some({}) == 0);
  CHECK(owner.push_some(std::span(values).first(1)) == 1);
  CHECK(owner.push_some(std::span(values).subspan(1)) == 7);
  CHECK(owner.push_some(std::span(values).subspan(8)) == 0);
  CHECK(deque.thief().size_hint() > 0);
  for (int i = 7; i >= 0; --i) CHECK(*owner.try_pop() == i);
  stealing_deque<std::string, policy::chunk_size<1>> growing;
  auto more = growing.owner();
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("a name that does not fit inside, number " + std::to_string(i));
  CHECK(more.push_some(names) == 100);
  for (int i = 99; i >= 0; --i)
    CHECK(*more.try_pop() == "a name that does not fit inside, number " + std::to_string(i));
}

TEST_CASE("stealing_deque: destroys each value once, also those never taken, also those that moved") {
  auto alive = std::make_shared<int>(0);
  const auto check = [&](auto& deque) {
    auto owner = deque.owner();
    for (int i = 0; i < 60; ++i) REQUIRE(owner.try_push(alive));
    for (int i = 0; i < 10; ++i) CHECK(owner.try_pop());
    owner.share();
    for (int i = 0; i < 10; ++i) CHECK(deque.thief().try_steal());
    std::array<std::shared_ptr<int>, 10> loot;
    CHECK(deque.thief().steal_batch(loot) == 10);
    for (int i = 0; i < 8; ++i) REQUIRE(owner.try_push(alive));
    CHECK(alive.use_count() == 1 + 38 + 10);
  };
  {
    stealing_deque<std::shared_ptr<int>, policy::capacity<64>> a;
    check(a);
  }
  {
    stealing_deque<std::shared_ptr<int>, policy::chunk_size<1>> b;
    check(b);
  }
  CHECK(alive.use_count() == 1);
}

TEST_CASE("stealing_deque: after close pushes answer closed, pops and steals hand out the rest, then closed") {
  fixed<8> deque;
  auto owner = deque.owner();
  auto thief = deque.thief();
  for (int i = 0; i < 5; ++i) REQUIRE(owner.try_push(i));
  CHECK_FALSE(thief.is_drained());
  owner.close();
  owner.close();
  CHECK(owner.try_push(9).is_closed());
  int ignored[1] = {9};
  CHECK(owner.push_some(ignored) == 0);
  CHECK(thief.size_hint() == 5);
  CHECK(*owner.try_pop() == 4);
  CHECK(thief.size_hint() == 3 + 1);
  CHECK(*thief.try_steal() == 0);
  CHECK(*owner.try_pop() == 3);
  CHECK(*owner.try_pop() == 2);
  CHECK_FALSE(thief.is_drained());
  CHECK(*thief.try_steal() == 1);
  CHECK(thief.is_drained());
  CHECK(owner.try_pop().is_closed());
  CHECK(thief.try_steal().is_closed());
  CHECK(thief.steal_batch(std::span<int>(ignored)) == 0);
}

TEST_CASE("stealing_deque: closed before use, and closed when full") {
  stealing_deque<int> none;
  auto nobody = none.owner();
  nobody.close();
  CHECK(nobody.try_push(1).is_closed());
  CHECK(nobody.try_pop().is_closed());
  CHECK(none.thief().try_steal().is_closed());
  fixed<2> deque;
  auto owner = deque.owner();
  REQUIRE(owner.try_push(1));
  REQUIRE(owner.try_push(2));
  CHECK(owner.try_push(3).is_full());
  owner.close();
  CHECK(owner.try_push(3).is_closed());
}

TEST_CASE("stealing_deque: the memory source may refuse; the deque goes on with what it has") {
  scarce_pages::left = 0;
  {
    stealing_deque<int, policy::pages<scarce_pages>, policy::chunk_size<1>> deque;
    auto owner = deque.owner();
    CHECK(owner.try_push(1).is_full());
    CHECK(owner.try_pop().is_empty());
    CHECK(deque.thief().try_steal().is_empty());
    scarce_pages::left = 2;
    int n = 0;
    while (owner.try_push(n)) ++n;
    CHECK(n == 4);
    CHECK(scarce_pages::alive == 2);
    owner.share();
    CHECK(*deque.thief().try_steal() == 0);
    CHECK(owner.try_push(4));
    for (int i = 4; i >= 1; --i) CHECK(*owner.try_pop() == i);
  }
  CHECK(scarce_pages::alive == 0);
}

TEST_CASE("stealing_deque: the owner's handle moves, and another may follow it") {
  fixed<4> deque;
  {
    auto first = deque.owner();
    REQUIRE(first.try_push(1));
    auto second = std::move(first);
    REQUIRE(second.try_push(2));
  }
  auto third = deque.owner();
  CHECK(*third.try_pop() == 2);
  CHECK(*third.try_pop() == 1);
}

namespace {

// What thieves do with what they find.
enum class style { one, span, deque };

// The owner pushes `count` values and pops now and then; the thieves take the rest. Every value comes out once.
template <class Deque>
void crowd(unsigned thieves, std::uint64_t count, style how) {
  Deque deque;
  std::atomic<std::uint64_t> sum{0}, taken{0};
  std::atomic<bool> ordered{true};
  std::vector<std::thread> all;
  for (unsigned t = 0; t < thieves; ++t)
    all.emplace_back([&, how] {
      Deque mine;
      auto own = mine.owner();
      const auto thief = deque.thief();
      std::uint64_t last = 0, my_sum = 0, my_count = 0;
      const auto got = [&](std::uint64_t v) {
        if (v <= last) ordered = false;  // the far end only rises
        last = v;
        my_sum += v;
        ++my_count;
      };
      for (;;) {
        if (how == style::one) {
          auto v = thief.try_steal();
          if (v) got(*v);
          if (v.is_closed()) break;
          if (!v) std::this_thread::yield();
        } else if (how == style::span) {
          std::array<std::uint64_t, 7> loot{};
          const std::size_t n = thief.steal_batch(loot);
          for (std::size_t i = 0; i < n; ++i) got(loot[i]);
          if (n == 0 && thief.is_drained()) break;
          if (n == 0) std::this_thread::yield();
        } else {
          const std::size_t n = thief.steal_batch(own);
          if (n == 0 && thief.is_drained()) break;
          if (n == 0) std::this_thread::yield();
          while (auto v = own.try_pop()) my_sum += *v, ++my_count;
        }
      }
      sum += my_sum;
      taken += my_count;
    });
  auto owner = deque.owner();
  std::uint64_t my_sum = 0, my_count = 0;
  for (std::uint64_t i = 1; i <= count;) {
    for (std::uint64_t burst = i % 37; burst != 0 && i <= count; --burst) {
      if (owner.try_push(i)) {
        ++i;
      } else if (auto v = owner.try_pop()) {
        my_sum += *v;
        ++my_count;
      }
    }
    if (i % 37 == 0) ++i, ++my_count, my_sum += i - 1;  // as if pushed and popped
    for (std::uint64_t burst = i % 11; burst != 0; --burst)
      if (auto v = owner.try_pop()) my_sum += *v, ++my_count;
    if (i % 5 == 0) owner.share();
  }
  owner.close();
  while (auto v = owner.try_pop()) my_sum += *v, ++my_count;
  for (auto& t : all) t.join();
  CHECK(ordered);
  CHECK(taken + my_count == count);
  CHECK(sum + my_sum == count * (count + 1) / 2);
}

using small = stealing_deque<std::uint64_t, policy::capacity<16>>;
using large = stealing_deque<std::uint64_t, policy::capacity<1024>>;
using growing = stealing_deque<std::uint64_t, policy::chunk_size<1>>;

}  // namespace

TEST_CASE("stealing_deque: owner and one thief, every value once") {
  crowd<small>(1, 100'000, style::one);
  crowd<large>(1, 100'000, style::one);
  crowd<growing>(1, 100'000, style::one);
}
TEST_CASE("stealing_deque: owner and three thieves with batches, every value once") {
  crowd<small>(3, 50'000, style::span);
  crowd<large>(3, 50'000, style::span);
  crowd<growing>(3, 50'000, style::span);
}
TEST_CASE("stealing_deque: owner and seven thieves with deques of their own, every value once") {
  crowd<small>(7, 30'000, style::deque);
  crowd<large>(7, 30'000, style::deque);
  crowd<growing>(7, 30'000, style::deque);
}
