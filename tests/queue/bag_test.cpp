#include <frys/queue/bag.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "../memory/counting_pages.hpp"
#include "crowd.hpp"

using frys::bag;
using frys::push_result;
namespace policy = frys::policy;

TEST_CASE("bag: the values of one producer come out in the order they went in, from a short and from a long backlog") {
  bag<int, policy::capacity<8>> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  CHECK(out.try_pop().is_empty());
  int pushed = 0, popped = 0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < round * round; ++i) REQUIRE(in.try_push(pushed++));
    for (int i = 0; i < round * round - round; ++i) REQUIRE(*out.try_pop() == popped++);
  }
  while (auto v = out.try_pop()) REQUIRE(*v == popped++);
  CHECK(pushed == popped);
  CHECK(b.size_hint() == 0);
}

TEST_CASE("bag: every producer's values come out, each in order; a consumer goes from one to the next") {
  bag<int, policy::capacity<64>, policy::portion<4>> b;
  std::vector<bag<int, policy::capacity<64>, policy::portion<4>>::producer_type> in;
  for (int p = 0; p < 5; ++p) in.push_back(*b.producer());
  for (int i = 0; i < 1000; ++i)
    for (int p = 0; p < 5; ++p) REQUIRE(in[static_cast<std::size_t>(p)].try_push(p * 1000 + i));
  CHECK(b.size_hint() == 5000);
  auto out = *b.consumer();
  int next[5] = {};
  std::set<int> early;
  for (int i = 0; i < 5000; ++i) {
    const int v = *out.try_pop();
    REQUIRE(v % 1000 == next[v / 1000]++);
    if (i < 1300) early.insert(v / 1000);
  }
  CHECK(early.size() == 5);  // nobody waits until others are done
  CHECK(out.try_pop().is_empty());
}

TEST_CASE("bag: takes move-only values and destroys each once, also those never popped, and those left in a portion") {
  auto alive = std::make_shared<int>(0);
  {
    bag<std::shared_ptr<int>, policy::capacity<16>> b;
    auto in = *b.producer();
    for (int i = 0; i < 1000; ++i) REQUIRE(in.try_push(alive));
    auto out = *b.consumer();
    for (int i = 0; i < 405; ++i) REQUIRE(out.try_pop());
    CHECK(alive.use_count() == 596);
  }
  CHECK(alive.use_count() == 1);
  bag<std::unique_ptr<int>> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  REQUIRE(in.try_emplace(std::make_unique<int>(5)));
  CHECK(**out.try_pop() == 5);
}

TEST_CASE("bag: after close pushes answer closed and leave the value; pops hand out the rest, then closed") {
  for (int before = 0; before < 12; ++before) {
    bag<std::unique_ptr<int>, policy::capacity<4>> b;
    auto in = *b.producer();
    auto out = *b.consumer();
    for (int i = 0; i < before; ++i) REQUIRE(in.try_push(std::make_unique<int>(i)));
    if (before % 2 == 1) REQUIRE(**out.try_pop() == 0);
    CHECK_FALSE(b.is_closed());
    b.close();
    b.close();
    CHECK(b.is_closed());
    auto late = std::make_unique<int>(3);
    CHECK(in.try_push(std::move(late)).is_closed());
    REQUIRE(late != nullptr);  // NOLINT: the refused value was not moved from
    CHECK(in.push_some(std::span(&late, 1)) == 0);
    REQUIRE(late != nullptr);
    auto another = *b.producer();
    CHECK(another.try_push(std::move(late)).is_closed());
    for (int i = before % 2; i < before; ++i) REQUIRE(**out.try_pop() == i);
    CHECK(b.size_hint() == 0);
    CHECK(out.try_pop().is_closed());
    CHECK(out.try_pop().is_closed());
  }
}

TEST_CASE("bag: what a consumer leaves of its portion goes to others, and closed is not told before") {
  bag<int> b;
  auto in = *b.producer();
  for (int i = 0; i < 8; ++i) REQUIRE(in.try_push(i));
  auto stays = *b.consumer();
  std::optional goes(*b.consumer());
  CHECK(*goes->try_pop() == 0);  // of four
  b.close();
  for (int i = 4; i < 8; ++i) REQUIRE(*stays.try_pop() == i);
  CHECK(stays.try_pop().is_empty());  // three are in another one's hands
  goes.reset();
  for (int i = 1; i < 4; ++i) REQUIRE(*stays.try_pop() == i);
  CHECK(stays.try_pop().is_closed());
}

TEST_CASE("bag: the next consumer on a seat goes on with what was left there") {
  bag<int, policy::seats<1>> b;
  auto in = *b.producer();
  for (int i = 0; i < 8; ++i) REQUIRE(in.try_push(i));
  for (int i = 0; i < 8; ++i) {
    auto out = *b.consumer();
    CHECK_FALSE(b.consumer());
    REQUIRE(*out.try_pop() == i);
  }
  auto out = *b.consumer();
  CHECK(out.try_pop().is_empty());
}

TEST_CASE("bag: portions of one keep nothing from the others") {
  bag<int, policy::portion<1>> b;
  auto in = *b.producer();
  for (int i = 0; i < 8; ++i) REQUIRE(in.try_push(i));
  auto one = *b.consumer();
  auto other = *b.consumer();
  for (int i = 0; i < 8; i += 2) {
    REQUIRE(*one.try_pop() == i);
    REQUIRE(*other.try_pop() == i + 1);
  }
}

TEST_CASE("bag: no more handles than seats; a seat is taken again, and its chain goes on") {
  bag<int, policy::seats<2>, policy::capacity<4>> b;
  int next = 0;
  for (int round = 0; round < 20; ++round) {
    auto one = b.producer();
    auto two = b.producer();
    REQUIRE(one);
    REQUIRE(two);
    auto three = b.producer();
    REQUIRE_FALSE(three);
    CHECK(three.error().code == frys::errc::full);
    for (int i = 0; i < 3; ++i) REQUIRE(one->try_push(next++));
  }
  auto out = *b.consumer();
  for (int i = 0; i < next; ++i) REQUIRE(*out.try_pop() == i);
}

TEST_CASE("bag: handles move") {
  bag<int> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  for (int i = 0; i < 8; ++i) REQUIRE(in.try_push(i));
  CHECK(*out.try_pop() == 0);
  auto in2 = std::move(in);
  auto out2 = std::move(out);
  REQUIRE(in2.try_push(8));
  auto in3 = *b.producer();
  auto out3 = *b.consumer();
  in3 = std::move(in2);
  out3 = std::move(out2);
  REQUIRE(in3.try_push(9));
  for (int i = 1; i < 10; ++i) REQUIRE(*out3.try_pop() == i);
}

TEST_CASE("bag: blocks are used again; a steady load takes no more memory") {
  using pages = counting_pages<62>;
  {
    bag<std::uint64_t, policy::capacity<16>, policy::pages<pages>> b;
    auto in = *b.producer();
    auto out = *b.consumer();
    CHECK(pages::held == 0);
    for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(in.try_push(i));
    while (out.try_pop()) {
    }
    const auto before = pages::allocations.load();
    for (int round = 0; round < 1000; ++round) {
      for (std::uint64_t i = 0; i < 80; ++i) REQUIRE(in.try_push(i));
      while (out.try_pop()) {
      }
    }
    CHECK(pages::allocations == before);
  }
  CHECK(pages::held == 0);
}

TEST_CASE("bag: beyond the limit, and when the source refuses, the push is full and the value untouched") {
  using pages = counting_pages<63>;
  using unlimited = bag<std::unique_ptr<int>, policy::capacity<16>>;
  bag<std::unique_ptr<int>, policy::capacity<16>, policy::limit<3 * unlimited::block_bytes>, policy::pages<pages>> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  pages::refuses = true;
  auto value = std::make_unique<int>(1);
  CHECK(in.try_push(std::move(value)).is_full());
  REQUIRE(value != nullptr);  // NOLINT: the refused value was not moved from
  pages::refuses = false;
  int pushed = 0;
  while (in.try_push(std::make_unique<int>(pushed))) ++pushed;
  CHECK(pushed == 48);
  for (int i = 0; i < pushed; ++i) REQUIRE(**out.try_pop() == i);
  CHECK(out.try_pop().is_empty());
  for (int i = 0; i < 32; ++i) REQUIRE(in.try_push(std::make_unique<int>(i)));
}

TEST_CASE("bag: many values at once go in and come out in order, across blocks") {
  bag<std::unique_ptr<int>, policy::capacity<8>> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  CHECK(in.push_some({}) == 0);
  CHECK(out.pop_some({}) == 0);
  int pushed = 0, popped = 0;
  for (std::size_t n = 1; n < 40; ++n) {
    std::vector<std::unique_ptr<int>> values;
    for (std::size_t i = 0; i < n; ++i) values.push_back(std::make_unique<int>(pushed++));
    REQUIRE(in.push_some(values) == n);
    std::vector<std::unique_ptr<int>> got(n);
    std::size_t count = 0;
    while (count < n) {
      const std::size_t k = out.pop_some(std::span(got).subspan(count));
      REQUIRE(k != 0);
      count += k;
    }
    for (const auto& v : got) REQUIRE(*v == popped++);
  }
}

namespace {
// Eight places: a chain counts its blocks, and a block its uses, to the end and again from the beginning.
struct few_places : frys::atomics::standard {
  static constexpr unsigned segment_place_bits = 3;
};
}  // namespace

TEST_CASE("bag: the counts of blocks, and of their uses, come to their end and begin again") {
  for (int rounds = 0; rounds < 80; ++rounds) {
    bag<int, policy::capacity<2>, policy::seats<1>, policy::atomics<few_places>> b;
    auto in = *b.producer();
    auto out = *b.consumer();
    int pushed = 0, popped = 0;
    for (int i = 0; i < rounds; ++i) {
      const int n = i % 4;
      for (int k = 0; k < n; ++k) REQUIRE(in.try_push(pushed++));
      REQUIRE(b.size_hint() == static_cast<std::size_t>(n));
      for (int k = 0; k < n; ++k) REQUIRE(*out.try_pop() == popped++);
      REQUIRE(out.try_pop().is_empty());
    }
    REQUIRE(in.try_push(pushed));
    b.close();
    REQUIRE(*out.try_pop() == popped);
    REQUIRE(out.try_pop().is_closed());
  }
}

namespace {
// Consumers whose handles come and go: what they leave in their portions comes out of order.
template <class Bag>
struct visitors : crowd::one_by_one {
  Bag* all;
  void pop(auto& from, auto see) const {
    for (std::uint64_t pops = 0;;) {
      auto v = from.try_pop();
      if (v.is_closed()) return;
      if (!v) {
        std::this_thread::yield();
        continue;
      }
      see(*v);
      if (++pops % 77 == 0) {
        auto gone = std::move(from);
        from = *all->consumer();
      }
    }
  }
};
template <class Bag>
void crowd_in_bag(unsigned producers, unsigned consumers, std::uint64_t each, bool leave) {
  Bag b;
  if (leave)
    crowd::hand_over(b, producers, consumers, each, false, visitors<Bag>{{}, &b});
  else
    crowd::hand_over(b, producers, consumers, each);
}
}  // namespace

TEST_CASE("bag: two producers, two consumers, blocks of one: every value once, in order") {
  crowd_in_bag<bag<std::uint64_t, policy::capacity<1>>>(2, 2, 3000, false);
}
TEST_CASE("bag: four producers, four consumers: every value once, in order") {
  crowd_in_bag<bag<std::uint64_t, policy::capacity<16>>>(4, 4, 10'000, false);
}
TEST_CASE("bag: one producer, three consumers: every value once, in order") {
  crowd_in_bag<bag<std::uint64_t>>(1, 3, 30'000, false);
}
TEST_CASE("bag: four producers, four consumers, blocks of two that go from one to the next: every value once") {
  crowd_in_bag<bag<std::uint64_t, policy::capacity<2>, policy::portion<2>>>(4, 4, 3000, true);
}
TEST_CASE("bag: consumers that come and go: every value once") {
  crowd_in_bag<bag<std::uint64_t, policy::capacity<8>>>(3, 3, 10'000, true);
}

TEST_CASE("bag: what was accepted before a close in the middle comes out, no more and no less") {
  crowd::closed_in_the_middle<bag<std::unique_ptr<int>, policy::capacity<4>, policy::limit<16384>>>();
}

namespace {
// Closes and pops while its own push is under way.
struct meddler;
using meddled = bag<meddler, policy::capacity<4>>;
struct meddler {
  meddler(void* b, void* out, bool* empty) noexcept;
};
meddler::meddler(void* b, void* out, bool* empty) noexcept {
  static_cast<meddled*>(b)->close();
  *empty = static_cast<meddled::consumer_type*>(out)->try_pop().is_empty();
}
}  // namespace

TEST_CASE("bag: a pop does not answer closed while an accepted push is under way") {
  meddled b;
  auto in = *b.producer();
  auto out = *b.consumer();
  bool empty = false;
  REQUIRE(in.try_emplace(&b, &out, &empty));
  CHECK(empty);
  CHECK(out.try_pop().has_value());
  CHECK(out.try_pop().is_closed());
}
