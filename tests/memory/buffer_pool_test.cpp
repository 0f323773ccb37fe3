#include <frys/memory/buffer.hpp>
#include <frys/memory/buffer_pool.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

using frys::buffer;
using frys::buffer_pool;

TEST_CASE("buffer_pool: a lease is an empty buffer with the capacity of a block, to be extended to what was filled") {
  buffer_pool<> pool(1000);
  CHECK(pool.block_size() == 1000);
  CHECK(pool.stats().blocks == 0);  // no memory before the first use
  auto b = pool.acquire();
  REQUIRE(b);
  CHECK(b->empty());
  CHECK(b->capacity() == 1000);
  CHECK(b->is_unique());
  std::memcpy(b->data(), "abc", 3);
  CHECK(b->extend(3));
  CHECK(b->text() == "abc");
  CHECK(pool.stats().leased == 1);
  b->reset();
  CHECK(pool.stats().leased == 0);
}

TEST_CASE("buffer_pool: blocks do not overlap and are aligned to their size, up to a page") {
  buffer_pool<> pool(4096, 200);
  std::vector<buffer> held;
  std::set<std::byte*> seen;
  for (int i = 0; i < 200; ++i) {
    auto b = pool.acquire();
    REQUIRE(b);
    CHECK(reinterpret_cast<std::uintptr_t>(b->data()) % 4096 == 0);
    REQUIRE(b->extend(4096));
    std::memset(b->data(), i, 4096);
    seen.insert(b->data());
    held.push_back(*std::move(b));
  }
  CHECK(seen.size() == 200);
  for (std::size_t i = 0; i < held.size(); ++i) {
    CHECK(held[i].data()[0] == static_cast<std::byte>(i));
    CHECK(held[i].data()[4095] == static_cast<std::byte>(i));
  }
}

TEST_CASE("buffer_pool: the bound refuses with errc::full, and a block that comes back is leased again") {
  buffer_pool<> pool(64, 2);
  auto a = pool.acquire();
  auto b = pool.acquire();
  REQUIRE(a);
  REQUIRE(b);
  auto c = pool.acquire();
  REQUIRE_FALSE(c);
  CHECK(c.error() == frys::errc::full);
  CHECK(c.error().number == 2);
  CHECK(pool.stats().refused == 1);
  a->reset();
  CHECK(pool.acquire());
}

TEST_CASE("buffer_pool: last in, first out, also over several returns") {
  buffer_pool<> pool(64, 16);
  std::array<buffer, 4> b;
  for (auto& x : b) x = *pool.acquire();
  std::array<std::byte*, 4> at{};
  for (std::size_t i = 0; i < 4; ++i) at[i] = b[i].data();
  b[0].reset();
  b[1].reset();
  const buffer first = *pool.acquire();
  CHECK(first.data() == at[1]);
  b[2].reset();
  b[3].reset();
  const buffer second = *pool.acquire();
  const buffer third = *pool.acquire();
  const buffer fourth = *pool.acquire();
  CHECK(second.data() == at[3]);
  CHECK(third.data() == at[2]);
  CHECK(fourth.data() == at[0]);
}

TEST_CASE("buffer_pool: a source that refuses is errc::out_of_memory, and the pool goes on when it can") {
  using pages = counting_pages<10>;
  pages::refuses = true;
  {
    buffer_pool<frys::policy::pages<pages>> pool(512);
    auto b = pool.acquire();
    REQUIRE_FALSE(b);
    CHECK(b.error() == frys::errc::out_of_memory);
    pages::refuses = false;
    CHECK(pool.acquire());
  }
  CHECK(pages::held == 0);
}

TEST_CASE("buffer_pool: buffers may outlive their pool, and the memory goes with the last of them") {
  using pages = counting_pages<11>;
  std::optional<buffer_pool<frys::policy::pages<pages>>> pool(std::in_place, 100'000, 10);
  std::vector<buffer> held;
  for (int i = 0; i < 10; ++i) held.push_back(*pool->acquire());
  held.resize(6);
  CHECK(pages::allocations > 2);  // several slabs
  pool.reset();
  CHECK(pages::held > 0);
  for (auto& b : held) {
    REQUIRE(b.extend(100'000));
    std::memset(b.data(), 1, b.size());
  }
  held.resize(1);
  CHECK(pages::held > 0);
  held.clear();
  CHECK(pages::held == 0);
}

TEST_CASE("buffer_pool: reserve takes the memory, and steady use takes no more") {
  using pages = counting_pages<12>;
  buffer_pool<frys::policy::pages<pages>> pool(4096, 500);
  REQUIRE(pool.reserve(300));
  CHECK(pool.stats().blocks >= 300);
  const auto before = pages::allocations.load();
  for (int round = 0; round < 50; ++round) {
    std::vector<buffer> held;
    for (int i = 0; i < 300; ++i) held.push_back(*pool.acquire());
  }
  CHECK(pages::allocations == before);
  CHECK(pool.stats().acquired == 15'000);
  CHECK_FALSE(pool.reserve(501));
}

TEST_CASE("buffer_pool: other threads release while the owner leases; no block is lost or shared") {
  constexpr std::uint32_t rounds = 4000;
  constexpr std::size_t blocks = 32;
  std::optional<buffer_pool<>> pool(std::in_place, 64, blocks);
  struct cell {
    std::atomic<bool> filled{false};
    buffer b;
  };
  std::array<cell, 8> cells;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> sum{0};
  std::vector<std::thread> takers;
  for (std::size_t t = 0; t < 2; ++t)
    takers.emplace_back([&, t] {
      for (;;) {
        const bool last = stop.load();
        bool any = false;
        for (std::size_t i = t; i < cells.size(); i += 2) {
          if (!cells[i].filled.load(std::memory_order_acquire)) continue;
          any = true;
          std::uint64_t value = 0;
          std::memcpy(&value, cells[i].b.data(), sizeof value);
          sum += value;
          cells[i].b.reset();
          cells[i].filled.store(false, std::memory_order_release);
        }
        if (!any && last) return;
        if (!any) std::this_thread::yield();
      }
    });
  std::uint64_t expected = 0;
  for (std::uint32_t n = 1; n <= rounds; ++n) {
    auto b = pool->acquire();
    REQUIRE(b);  // at most 9 are out
    REQUIRE(b->extend(8));
    const std::uint64_t value = n;
    std::memcpy(b->data(), &value, sizeof value);
    expected += value;
    cell& c = cells[n % cells.size()];
    while (c.filled.load(std::memory_order_acquire)) std::this_thread::yield();
    c.b = *std::move(b);
    c.filled.store(true, std::memory_order_release);
  }
  pool.reset();  // some buffers are still out there
  stop = true;
  for (auto& t : takers) t.join();
  CHECK(sum == expected);
}

TEST_CASE("buffer_chain: tail buffers are leased from the pool, and fall back to the heap when it is full") {
  buffer_pool<> pool(64, 1);
  frys::buffer_chain chain;
  chain.lease_from(pool);
  REQUIRE(chain.append_copy("abc"));
  CHECK(pool.stats().leased == 1);
  CHECK(chain.segments()[0].capacity() == 64);
  const std::string large(100, 'x');
  REQUIRE(chain.append_copy(large));  // larger than a block, and the pool is full
  CHECK(chain.size() == 103);
  frys::buffer_chain taken = chain.take();
  taken.consume(3);
  CHECK(pool.stats().leased == 0);
  REQUIRE(taken.append_copy(large));  // leases from nowhere
  CHECK(pool.stats().leased == 0);
  REQUIRE(chain.append_copy("z"));
  CHECK(pool.stats().leased == 1);
}
