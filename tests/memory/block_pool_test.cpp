#include <frys/memory/block_pool.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "allocator_promises.hpp"
#include "counting_pages.hpp"

using frys::block_pool;
namespace policy = frys::policy;

TEST_CASE("block_pool: blocks do not overlap, keep their bytes, and are used again, the last one first") {
  block_pool<64, policy::chunk_size<4096>> pool;
  static_assert(frys::owning_allocator<decltype(pool)>);
  promises::keeps_what_is_written(pool, 65, 64);
  CHECK(pool.size() == 0);
  const std::size_t reserved = pool.reserved();
  void* p = *pool.allocate(64);
  pool.deallocate(p, 64, 16);
  CHECK(*pool.allocate(10) == p);
  CHECK(pool.reserved() == reserved);
}

TEST_CASE("block_pool: its blocks are as large and as aligned as it says, and it refuses what is larger") {
  static_assert(block_pool<1>::block_size == sizeof(void*));
  static_assert(block_pool<24>::block_size == 32 && block_pool<24>::alignment == 32);
  static_assert(block_pool<48>::block_size == 48 && block_pool<48>::alignment == 16);
  static_assert(block_pool<65536>::alignment == frys::page_size);
  block_pool<48> pool;
  CHECK(pool.allocate(49).error() == frys::errc::limit_exceeded);
  CHECK(pool.allocate(49).error().number == 48);
  CHECK(pool.allocate(8, 32).error().number == 16);
  CHECK(pool.reserved() == 0);
  CHECK(pool.allocate(48, 16));
  CHECK(pool.allocate(0, 1));
  block_pool<65536> large;
  auto p = large.allocate(65536, 4096);
  REQUIRE(p);
  CHECK(reinterpret_cast<std::uintptr_t>(*p) % 4096 == 0);
}

TEST_CASE("block_pool: owns its blocks in hundreds of slabs and nothing else") {
  block_pool<1024, policy::chunk_size<4096>> pool;
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(static_cast<std::byte*>(*pool.allocate(1024)));
  bool all = true;
  for (std::byte* p : blocks) all = all && pool.owns(p) && pool.owns(p + 1023);
  CHECK(all);
  const std::set<std::byte*> mine(blocks.begin(), blocks.end());
  bool none = true;
  for (std::byte* p : blocks)
    if (!mine.count(p + 1024) && !mine.count(p - 1024)) none = none && !pool.owns(p + 3 * 4096 * 1000);
  CHECK(none);
  CHECK_FALSE(pool.owns(&pool));
  CHECK_FALSE(pool.owns(nullptr));
}

namespace {

// Pages in no order of their addresses, so that the tree of slabs grows on all sides.
struct shuffled {
  static constexpr std::size_t count = 512;
  alignas(4096) inline static std::byte memory[count][4096];
  inline static std::size_t next = 0;
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    if (size != 4096 || next == count)
      return frys::error{frys::errc::out_of_memory, frys::domain::user, "no more pages", 0};
    return frys::byte_span(memory[next++ * 197 % count]);
  }
  static void release(frys::byte_span) noexcept {}
};

}  // namespace

TEST_CASE("block_pool: owns its blocks wherever its slabs come from, and nothing between them") {
  shuffled::next = 0;
  block_pool<1024, policy::chunk_size<4096>, policy::pages<shuffled>> pool;
  std::vector<void*> blocks;
  bool right = true;
  for (std::size_t slabs = 1; slabs <= shuffled::count / 2; ++slabs) {
    while (shuffled::next < slabs || blocks.size() < slabs * 3) blocks.push_back(*pool.allocate(1024));
    if (slabs % 16 != 0) continue;
    std::vector<bool> held(shuffled::count);
    for (std::size_t i = 0; i < shuffled::next; ++i) held[i * 197 % shuffled::count] = true;
    for (std::size_t i = 0; i < shuffled::count; ++i) right = right && pool.owns(shuffled::memory[i] + 2000) == held[i];
  }
  CHECK(right);
  for (void* p : blocks) right = right && pool.owns(p);
  CHECK(right);
}

TEST_CASE("block_pool: the limit and the source refuse, and the pool stays whole") {
  using pages = counting_pages<40>;
  {
    block_pool<64, policy::pages<pages>, policy::chunk_size<4096>, policy::limit<8192>> pool;
    pages::refuses = true;
    CHECK(pool.allocate(64).error() == frys::errc::out_of_memory);
    pages::refuses = false;
    int got = 0;
    while (auto p = pool.allocate(64)) ++got;
    CHECK(got > 100);
    CHECK(pool.allocate(64).error().number == 8192);
    CHECK(pool.reserved() <= 8192);
    pool.release();
    CHECK(pages::held == 0);
    CHECK(pool.size() == 0);
    CHECK(pool.allocate(64));
  }
  CHECK(pages::held == 0);
}

TEST_CASE("block_pool: a free block is poisoned where AddressSanitizer looks") {
  block_pool<64> pool;
  void* p = *pool.allocate(64);
  CHECK_FALSE(frys::is_poisoned(p));
  pool.deallocate(p, 64, 16);
  CHECK(frys::is_poisoned(p) == (FRYS_ASAN != 0));
}
