#include <frys/memory/pool_resource.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory_resource>
#include <new>
#include <string>
#include <vector>

#include "counting_pages.hpp"

namespace {
using counted = counting_pages<61>;
using resource = frys::pool_resource<frys::policy::pages<counted>, frys::policy::chunk_size<64 * 1024>>;
}  // namespace

TEST_CASE("pool_resource: serves the standard's containers, and what they have freed is used again") {
  resource r;
  CHECK(counted::held == 0);
  {
    std::pmr::map<int, std::pmr::string> m(&r);
    for (int i = 0; i < 2000; ++i) m.emplace(i % 500, std::pmr::string(static_cast<std::size_t>(i % 100), 'x', &r));
    std::size_t all = 0;
    for (const auto& [number, text] : m) all += text.size();
    CHECK(all == 500 / 100 * 4950);
    std::pmr::list<std::pmr::vector<double>> l(&r);
    for (std::size_t i = 0; i < 300; ++i) l.emplace_back(i * 3, 1.5);
    while (l.size() > 1) l.erase(l.begin());
    CHECK(l.front().size() == 299 * 3);
  }
  r.collect();
  CHECK(r.stats().in_use == 0);
}

TEST_CASE("pool_resource: alignments, and blocks that were given one go back by it") {
  resource r;
  for (const std::size_t alignment : {1u, 8u, 16u, 32u, 64u, 1024u, 4096u, 16384u})
    for (const std::size_t n : {1u, 40u, 500u, 1000u, 5000u, 50'000u, 500'000u}) {
      void* const p = r.allocate(n, alignment);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      r.deallocate(p, n, alignment);
      void* const q = r.allocate(n, alignment);
      void* const s = r.allocate(n, alignment);
      CHECK(q != s);
      r.deallocate(q, n, alignment);
      r.deallocate(s, n, alignment);
    }
  r.collect();
  CHECK(r.stats().in_use == 0);
}

TEST_CASE("pool_resource: release gives back everything, deallocated or not, and it can be used again") {
  resource r;
  for (std::size_t n : {10u, 5000u, 500'000u}) (void)r.allocate(n);
  CHECK(counted::held != 0);
  r.release();
  CHECK(counted::held == 0);
  void* const p = r.allocate(10);
  r.deallocate(p, 10);
  CHECK(r.is_equal(r));
  resource other;
  CHECK(!r.is_equal(other));
}

#if FRYS_EXCEPTIONS
TEST_CASE("pool_resource: throws bad_alloc where the source refuses, and loses nothing by it") {
  resource r;
  counted::refuses = true;
  CHECK_THROWS_AS((void)r.allocate(10), std::bad_alloc);
  counted::refuses = false;
  void* const p = r.allocate(10);
  counted::refuses = true;
  CHECK_THROWS_AS((void)r.allocate(1'000'000), std::bad_alloc);
  counted::refuses = false;
  r.deallocate(p, 10);
}
#endif
