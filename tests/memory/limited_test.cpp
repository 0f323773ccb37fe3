#include <frys/memory/limited.hpp>

#include <doctest/doctest.h>
#include <frys/memory/arena.hpp>
#include <frys/memory/system_allocator.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "allocator_promises.hpp"

using frys::limited;
using frys::system_allocator;
namespace policy = frys::policy;

TEST_CASE("limited: refuses beyond its bound with errc::limit_exceeded and the bound, and serves again after") {
  limited<system_allocator, 1000> a;
  static_assert(frys::raw_allocator<decltype(a)>);
  auto first = a.allocate(600);
  REQUIRE(first);
  CHECK(a.used() == 600);
  auto second = a.allocate(401);
  REQUIRE_FALSE(second);
  CHECK(second.error() == frys::errc::limit_exceeded);
  CHECK(second.error().number == 1000);
  CHECK(a.used() == 600);
  auto third = a.allocate(400);
  REQUIRE(third);
  CHECK(a.used() == 1000);
  a.deallocate(*first, 600, 16);
  CHECK(a.used() == 400);
  CHECK(a.peak() == 1000);
  CHECK(a.allocate((std::numeric_limits<std::size_t>::max)()).error() == frys::errc::limit_exceeded);
  auto again = a.allocate(600);
  REQUIRE(again);
  a.deallocate(*again, 600, 16);
  a.deallocate(*third, 400, 16);
  CHECK(a.used() == 0);
  promises::keeps_what_is_written(*std::make_unique<limited<system_allocator, 100'000>>());
}

TEST_CASE("limited: the bound may be said, and changed, when the program runs") {
  limited<frys::arena<>> a(100);
  static_assert(frys::owning_allocator<decltype(a)>);
  CHECK(a.allocate(101).error() == frys::errc::limit_exceeded);
  auto p = a.allocate(100);
  REQUIRE(p);
  CHECK(a.owns(*p));
  a.set_limit(50);
  CHECK(a.limit() == 50);
  CHECK(a.allocate(0).error() == frys::errc::limit_exceeded);
  a.deallocate(*p, 100, 16);
  CHECK(a.allocate(50));
}

TEST_CASE("limited: what the inner allocator refuses does not count, nor make a peak") {
  limited<frys::arena<policy::limit<4096>>, 1 << 20> a;
  auto p = a.allocate(100'000);
  REQUIRE_FALSE(p);
  CHECK(p.error() == frys::errc::limit_exceeded);
  CHECK(p.error().number == 4096);  // the arena's
  CHECK(a.used() == 0);
  CHECK(a.peak() == 0);
  CHECK(a.inner().reserved() == 0);
}

TEST_CASE("limited: with policy::atomics threads never pass the bound, and all of it is used again") {
  limited<system_allocator, 1000, policy::atomics<frys::atomics::standard>> a;
  const auto work = [&a] {
    for (int i = 0; i < 2000; ++i) {
      auto p = a.allocate(300);
      if (a.used() > 1000) return false;
      if (p) a.deallocate(*p, 300, 16);
    }
    return true;
  };
  std::vector<std::thread> threads;
  bool well[3] = {};
  for (bool& w : well) threads.emplace_back([&w, &work] { w = work(); });
  for (std::thread& t : threads) t.join();
  for (const bool w : well) CHECK(w);
  CHECK(a.used() == 0);
  CHECK(a.peak() <= 900);
  CHECK(a.peak() >= 300);
}
