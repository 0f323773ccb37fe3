#include <frys/memory/shared_object_pool.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

using frys::shared_object_pool;
namespace policy = frys::policy;

namespace {
struct counted {
  inline static std::atomic<int> alive{0};
  std::string text;
  explicit counted(std::string t = "") : text(std::move(t)) { ++alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
};
// Says when two threads have it at once.
struct token {
  std::uint64_t value;
  std::uint64_t twice;
  explicit token(std::uint64_t v) : value(v), twice(v * 2) {}
  ~token() { value = twice = ~std::uint64_t{0}; }
};
}  // namespace

TEST_CASE(
    "shared_object_pool: objects are made and ended by a seat, by the pool and by handles, and slots used again") {
  shared_object_pool<counted, policy::batch<4>> pool;
  auto seat = *pool.join();
  counted* a = *seat.create("one");
  CHECK(a->text == "one");
  seat.destroy(*a);
  counted* b = *seat.create("two");
  CHECK(b == a);  // the slot freed last is used first
  pool.destroy(*b);
  {
    auto h = *seat.acquire("three");
    auto other = std::move(h);
    CHECK_FALSE(h);  // NOLINT: a moved-from handle is empty
    CHECK(other->text == "three");
    h = *seat.acquire("four");
    other = std::move(h);
    CHECK(counted::alive == 1);
    seat.destroy(*other.release());
  }
  CHECK(counted::alive == 0);
  const std::size_t slots = pool.slot_count();
  std::set<counted*> all;
  for (std::size_t i = 0; i < slots; ++i) all.insert(*seat.create("x"));
  CHECK(all.size() == slots);
  CHECK(pool.slot_count() == slots);  // none was lost
  for (counted* each : all) pool.destroy(*each);
}

TEST_CASE("shared_object_pool: seats are bounded, come back, and leave nothing behind that others could not use") {
  shared_object_pool<std::uint64_t, policy::capacity<2>, policy::batch<8>, policy::chunk_size<1024>> pool;
  auto a = *pool.join();
  {
    auto b = *pool.join();
    CHECK(pool.join().error() == frys::errc::full);
    std::vector<std::uint64_t*> some;
    for (std::uint64_t i = 0; i < 100; ++i) some.push_back(*b.create(i));
    for (auto* each : some) b.destroy(*each);
  }
  const std::size_t slots = pool.slot_count();
  std::vector<std::uint64_t*> all;
  for (std::size_t i = 0; i < slots; ++i) all.push_back(*a.create(i));
  CHECK(pool.slot_count() == slots);
  auto c = *pool.join();
  for (auto* each : all) c.destroy(*each);
}

TEST_CASE("shared_object_pool: a source that refuses is errc::out_of_memory, a limit errc::limit_exceeded") {
  using pages = counting_pages<330>;
  {
    shared_object_pool<std::uint64_t, policy::pages<pages>, policy::capacity<2>, policy::batch<8>,
                       policy::chunk_size<1024>, policy::limit<16384>>
        pool;
    pages::refuses = true;
    CHECK(pool.join().error() == frys::errc::out_of_memory);
    pages::refuses = false;
    auto seat = *pool.join();
    std::vector<std::uint64_t*> all;
    for (bool at_limit = false; !at_limit;) {
      pages::refuses = true;
      auto one = seat.create(1u);
      if (!one) {
        pages::refuses = false;
        at_limit = one.error() == frys::errc::limit_exceeded;
        if (!at_limit) CHECK(one.error() == frys::errc::out_of_memory);
        one = seat.create(1u);
      }
      if (one) all.push_back(*one);
    }
    CHECK(all.size() > 700);
    CHECK(pool.reserved() <= 16384);
    pool.destroy(*all.back());
    CHECK(*seat.create(2u) == all.back());
    for (auto* each : all) seat.destroy(*each);
  }
  CHECK(pages::held == 0);
}

TEST_CASE("shared_object_pool: a free slot is poisoned where AddressSanitizer looks") {
  constexpr bool looks = FRYS_ASAN != 0;
  struct wide {
    std::uint64_t words[8]{};
  };
  shared_object_pool<wide> pool;
  auto seat = *pool.join();
  wide* a = *seat.create();
  CHECK_FALSE(frys::is_poisoned(a));
  CHECK(frys::is_poisoned(a + 1) == looks);  // never used
  seat.destroy(*a);
  CHECK(frys::is_poisoned(a) == looks);
  a = *seat.create();
  CHECK_FALSE(frys::is_poisoned(a));
  pool.destroy(*a);
  CHECK(frys::is_poisoned(&a->words[1]) == looks);
  std::vector<wide*> all;
  for (int i = 0; i < 5000; ++i) all.push_back(*seat.create());
  for (wide* each : all) CHECK_FALSE(frys::is_poisoned(each));
  for (wide* each : all) seat.destroy(*each);
}

TEST_CASE("shared_object_pool: an over-aligned type stands on its alignment") {
  struct alignas(256) wide {
    char bytes[300];
  };
  shared_object_pool<wide, policy::batch<4>> pool;
  auto seat = *pool.join();
  std::vector<wide*> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(*seat.create());
    CHECK(reinterpret_cast<std::uintptr_t>(all.back()) % 256 == 0);
  }
  for (wide* each : all) seat.destroy(*each);
}

TEST_CASE("shared_object_pool: threads make objects that others end, each slot is one object's, and memory stays") {
  using pages = counting_pages<331>;
  constexpr int threads = 4;
  constexpr std::size_t places = 256;
  {
    shared_object_pool<token, policy::pages<pages>, policy::batch<8>, policy::chunk_size<2048>> pool;
    std::atomic<token*> exchange[places] = {};
    std::atomic<std::uint64_t> made{0}, ended{0};
    std::vector<std::thread> crew;
    for (int t = 0; t < threads; ++t) {
      crew.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        for (int round = 0; round < 4; ++round) {  // seats are left and taken
          auto seat = *pool.join();
          for (int i = 0; i < 4000; ++i) {
            const std::uint64_t v = random();
            token* mine = *seat.create(v);
            ++made;
            token* theirs = exchange[random() % places].exchange(mine, std::memory_order_acq_rel);
            if (theirs == nullptr) continue;
            if (theirs->twice != theirs->value * 2 || theirs->value > 0xffffffffu) std::abort();
            ++ended;
            if (random() % 4 == 0)
              pool.destroy(*theirs);
            else
              seat.destroy(*theirs);
          }
        }
      });
    }
    for (auto& each : crew) each.join();
    for (auto& place : exchange) {
      if (token* const left = place.load()) ++ended, pool.destroy(*left);
    }
    CHECK(made == ended);
    CHECK(made == threads * 4u * 4000u);
    // At most `places` live at once, and each of the seats holds some.
    CHECK(pool.slot_count() < 2048);
  }
  CHECK(pages::held == 0);
}

#if FRYS_EXCEPTIONS
TEST_CASE("shared_object_pool: a constructor that throws leaves the pool as it was") {
  struct picky {
    explicit picky(int i) {
      if (i < 0) throw std::runtime_error("negative");
    }
    std::uint64_t filler[4] = {1, 2, 3, 4};
  };
  shared_object_pool<picky, policy::batch<4>> pool;
  auto seat = *pool.join();
  picky* a = *seat.create(1);
  for (int i = 0; i < 50; ++i) CHECK_THROWS_AS((void)seat.create(-1), std::runtime_error);
  const std::size_t room = pool.slot_count();
  std::vector<picky*> rest;
  for (std::size_t i = 1; i < room; ++i) rest.push_back(*seat.create(1));
  CHECK(pool.slot_count() == room);
  for (picky* each : rest) seat.destroy(*each);
  seat.destroy(*a);
}
#endif
