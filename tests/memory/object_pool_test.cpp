#include <frys/memory/object_pool.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

using frys::object_pool;
namespace policy = frys::policy;

namespace {
struct counted {
  inline static int alive = 0;
  std::string text;
  explicit counted(std::string t = "") : text(std::move(t)) { ++alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
};
}  // namespace

TEST_CASE("object_pool: a slot without an object is poisoned where AddressSanitizer looks") {
  constexpr bool looks = FRYS_ASAN != 0;
  object_pool<std::uint64_t> pool;
  std::uint64_t* a = *pool.create(1u);
  std::uint64_t* b = *pool.create(2u);
  CHECK_FALSE(frys::is_poisoned(a));
  CHECK(frys::is_poisoned(b + 1) == looks);  // never used
  pool.destroy(*a);
  CHECK(frys::is_poisoned(a) == looks);
  CHECK_FALSE(frys::is_poisoned(b));
  CHECK(*pool.create(3u) == a);
  CHECK_FALSE(frys::is_poisoned(a));
  pool.destroy(*a);
  pool.destroy(*b);
}

TEST_CASE("object_pool: a handle owns one object, moves it, and gives it back") {
  object_pool<counted> pool;
  {
    auto a = pool.acquire("one");
    REQUIRE(a);
    CHECK((**a).text == "one");
    CHECK((*a)->text == "one");
    CHECK(counted::alive == 1);
    CHECK(pool.size() == 1);
    auto handle = *std::move(a);
    CHECK(handle);
    object_pool<counted>::handle other = std::move(handle);
    CHECK_FALSE(handle);  // NOLINT: a moved-from handle is empty
    handle = *pool.acquire("two");
    CHECK(pool.size() == 2);
    handle = std::move(other);
    CHECK(handle->text == "one");
    CHECK(pool.size() == 1);
    handle.reset();
    CHECK(handle.get() == nullptr);
    CHECK(counted::alive == 0);
  }
  CHECK(pool.size() == 0);
}

TEST_CASE("object_pool: the slot freed last is used first, and memory is used again") {
  object_pool<std::uint64_t> pool;
  auto a = pool.create(std::uint64_t{1});
  auto b = pool.create(std::uint64_t{2});
  REQUIRE(a);
  REQUIRE(b);
  std::uint64_t* at = *a;
  pool.destroy(**a);
  auto c = pool.create(std::uint64_t{3});
  REQUIRE(c);
  CHECK(*c == at);
  CHECK(**b == 2);
  pool.destroy(**b);
  pool.destroy(**c);
}

TEST_CASE("object_pool: thousands are destroyed in random order and none disturbs another") {
  object_pool<std::string, policy::chunk_size<4096>> pool;
  std::mt19937 random(42);
  std::vector<std::pair<std::string*, unsigned>> live;
  unsigned next = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (live.empty() || random() % 3 != 0) {
      auto s = pool.create("a string too long to be inline, number " + std::to_string(next));
      REQUIRE(s);
      live.emplace_back(*s, next++);
    } else {
      const std::size_t i = random() % live.size();
      REQUIRE(*live[i].first == "a string too long to be inline, number " + std::to_string(live[i].second));
      pool.destroy(*live[i].first);
      live[i] = live.back();
      live.pop_back();
    }
    REQUIRE(pool.size() == live.size());
  }
  std::set<std::string*> places;
  for (auto& [s, n] : live) places.insert(s);
  CHECK(places.size() == live.size());
  for (auto& [s, n] : live) pool.destroy(*s);
}

TEST_CASE("object_pool: after the longest crowd the source is not asked again") {
  using pages = counting_pages<30>;
  {
    object_pool<std::uint64_t, policy::pages<pages>, policy::chunk_size<4096>> pool;
    std::uint64_t sum = 0;
    std::size_t allocations = 0;
    for (int round = 0; round < 20; ++round) {
      std::vector<object_pool<std::uint64_t, policy::pages<pages>, policy::chunk_size<4096>>::handle> crowd;
      for (std::uint64_t i = 0; i < 2000; ++i) crowd.push_back(*pool.acquire(i));
      for (auto& h : crowd) sum += *h;
      if (round == 0) allocations = pages::allocations;
    }
    CHECK(sum == 20u * (1999u * 2000u / 2u));
    CHECK(pages::allocations == allocations);
    CHECK(pool.size() == 0);
  }
  CHECK(pages::held == 0);
}

TEST_CASE("object_pool: reserve makes room ahead") {
  using pages = counting_pages<31>;
  object_pool<int, policy::pages<pages>> pool;
  REQUIRE(pool.reserve(50'000));
  CHECK(pool.slot_count() >= 50'000);
  const auto before = pages::allocations.load();
  std::vector<int*> all;
  for (int i = 0; i < 50'000; ++i) all.push_back(*pool.create(i));
  CHECK(pages::allocations == before);
  for (int* p : all) pool.destroy(*p);
}

TEST_CASE("object_pool: the limit refuses with errc::limit_exceeded, a refusing source with errc::out_of_memory") {
  using pages = counting_pages<32>;
  object_pool<std::uint64_t, policy::limit<4096>, policy::chunk_size<1024>, policy::pages<pages>> pool;
  pages::refuses = true;
  CHECK(pool.create(std::uint64_t{0}).error() == frys::errc::out_of_memory);
  pages::refuses = false;
  std::vector<std::uint64_t*> all;
  for (;;) {
    auto p = pool.create(std::uint64_t{1});
    if (!p) {
      CHECK(p.error() == frys::errc::limit_exceeded);
      break;
    }
    all.push_back(*p);
  }
  CHECK(all.size() > 400);
  CHECK(pool.reserved() <= 4096);
  pool.destroy(*all.back());
  auto again = pool.create(std::uint64_t{2});
  REQUIRE(again);
  all.back() = *again;
  for (auto* p : all) pool.destroy(*p);
}

TEST_CASE("object_pool: an over-aligned type stands on its alignment") {
  struct alignas(256) wide {
    char bytes[300];
  };
  object_pool<wide> pool;
  std::vector<object_pool<wide>::handle> all;
  for (int i = 0; i < 100; ++i) {
    auto w = pool.acquire();
    REQUIRE(w);
    CHECK(reinterpret_cast<std::uintptr_t>(w->get()) % 256 == 0);
    all.push_back(*std::move(w));
  }
}

TEST_CASE("object_pool: release gives the object to whoever destroys it by hand") {
  object_pool<counted> pool;
  counted* raw = pool.acquire("raw")->release();
  CHECK(counted::alive == 1);
  pool.destroy(*raw);
  CHECK(counted::alive == 0);
}

TEST_CASE("object_pool: create_some makes all or none, and asks the source before it makes any") {
  using pages = counting_pages<320>;
  {
    object_pool<counted, policy::pages<pages>, policy::chunk_size<4096>, policy::limit<16384>> pool;
    std::vector<counted*> some(100);
    REQUIRE(pool.create_some(some, "many"));
    CHECK(pool.size() == 100);
    CHECK(std::set<counted*>(some.begin(), some.end()).size() == 100);
    CHECK(some[99]->text == "many");
    std::vector<counted*> too_many(10'000);
    CHECK(pool.create_some(too_many).error() == frys::errc::limit_exceeded);
    CHECK(counted::alive == 100);
    CHECK(too_many[0] == nullptr);
    pages::refuses = true;
    std::vector<object_pool<counted, policy::pages<pages>, policy::chunk_size<4096>, policy::limit<16384>>::handle>
        handles(pool.slot_count() - 100);
    CHECK(pool.acquire_some(handles, "held"));
    CHECK(pool.size() == pool.slot_count());
    CHECK(handles.back()->text == "held");
    pool.destroy_some(some);
    CHECK(pool.size() == handles.size());
    pages::refuses = false;
    REQUIRE(pool.create_some(std::span<counted*>{}));
  }
  CHECK(counted::alive == 0);
  CHECK(pages::held == 0);
}

namespace {
struct parser {
  inline static int alive = 0;
  int limit;
  std::string buffer;
  explicit parser(int l) : limit(l) { ++alive; }
  parser(const parser&) = delete;
  parser& operator=(const parser&) = delete;
  ~parser() { --alive; }
  void recycle() noexcept { buffer.clear(); }
};
struct by_hand {
  static void recycle(std::string& s) noexcept { s = "used"; }
};
}  // namespace

TEST_CASE("object_pool: reuse::kept hands objects out again as recycle has left them, with the buffers they have") {
  constexpr bool looks = FRYS_ASAN != 0;
  {
    object_pool<parser, policy::reuse<frys::reuse::kept>> pool;
    parser* a = *pool.create(1);
    parser* b = *pool.create(2);
    a->buffer.assign(1000, 'x');
    const char* const at = a->buffer.data();
    pool.destroy(*a);
    CHECK(frys::is_poisoned(a) == looks);
    CHECK(pool.size() == 1);
    CHECK(parser::alive == 2);
    auto again = pool.acquire(3);
    REQUIRE(again);
    CHECK(again->get() == a);
    CHECK_FALSE(frys::is_poisoned(a));
    CHECK((*again)->limit == 1);  // it was made before
    CHECK((*again)->buffer.empty());
    CHECK((*again)->buffer.data() == at);
    again->reset();
    pool.destroy(*b);
    CHECK(parser::alive == 2);
    pool.discard_kept();
    CHECK(parser::alive == 0);
    parser* c = *pool.create(4);
    CHECK(c->limit == 4);
    pool.destroy(*c);
  }
  CHECK(parser::alive == 0);
  object_pool<std::string, policy::reuse<by_hand>> texts;
  texts.destroy(**texts.create("first"));
  CHECK(**texts.acquire("second") == "used");
  std::vector<std::string*> some(100);
  CHECK(texts.create_some(some, "third"));
  CHECK(*some[0] == "used");
  CHECK(*some[1] == "third");
  texts.destroy_some(some);
}

#if FRYS_EXCEPTIONS
namespace {
struct seventh {
  inline static int alive = 0;
  explicit seventh(int) {
    if (alive == 6) throw std::runtime_error("the seventh");
    ++alive;
  }
  ~seventh() { --alive; }
};
}  // namespace

TEST_CASE("object_pool: a constructor that throws in create_some takes those before it along") {
  object_pool<seventh> pool;
  std::vector<seventh*> some(10);
  CHECK_THROWS_AS((void)pool.create_some(some, 1), std::runtime_error);
  CHECK(seventh::alive == 0);
  CHECK(pool.size() == 0);
  std::vector<object_pool<seventh>::handle> handles(10);
  CHECK_THROWS_AS((void)pool.acquire_some(handles, 1), std::runtime_error);
  CHECK(seventh::alive == 0);
}

TEST_CASE("object_pool: a constructor that throws leaves the pool as it was") {
  struct picky {
    explicit picky(int i) {
      if (i < 0) throw std::runtime_error("negative");
    }
    std::uint64_t filler[4] = {1, 2, 3, 4};
  };
  object_pool<picky> pool;
  auto a = pool.acquire(1);
  for (int i = 0; i < 5; ++i) CHECK_THROWS_AS((void)pool.acquire(-1), std::runtime_error);
  CHECK(pool.size() == 1);
  const std::size_t room = pool.slot_count();
  std::vector<object_pool<picky>::handle> rest;
  for (std::size_t i = 1; i < room; ++i) rest.push_back(*pool.acquire(1));
  CHECK(pool.slot_count() == room);
}
#endif
