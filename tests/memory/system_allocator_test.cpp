#include <frys/memory/system_allocator.hpp>

#include <doctest/doctest.h>
#include <frys/memory/allocator_pages.hpp>
#include <frys/memory/arena.hpp>
#include <frys/memory/object_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "allocator_promises.hpp"

using frys::system_allocator;
namespace policy = frys::policy;

TEST_CASE("system_allocator: pieces are aligned and keep their bytes; it has no state") {
  static_assert(std::is_empty_v<system_allocator>);
  system_allocator a;
  promises::keeps_what_is_written(a);
  auto page = a.allocate(10, 1 << 16);
  REQUIRE(page);
  CHECK(reinterpret_cast<std::uintptr_t>(*page) % (1 << 16) == 0);
  a.deallocate(*page, 10, 1 << 16);
}

TEST_CASE("system_allocator: absurd sizes are errc::out_of_memory with the size") {
  constexpr std::size_t most = (std::numeric_limits<std::size_t>::max)();
  for (const std::size_t size : {most, most / 2 + 1, most - 63}) {
    CHECK(system_allocator::allocate(size).error() == frys::errc::out_of_memory);
    CHECK(system_allocator::allocate(size, 64).error() == frys::errc::out_of_memory);
  }
  CHECK(system_allocator::allocate(most).error().number == std::numeric_limits<std::ptrdiff_t>::max());
}

namespace {

// Refuses from the n-th call on, and tells how much is out.
struct meter {
  inline static std::size_t out = 0;
  inline static std::size_t left = 0;
  frys::result<void*> allocate(std::size_t size, std::size_t alignment) {
    if (left == 0) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused by the test", 0};
    --left;
    out += size;
    return system_allocator::allocate(size, alignment);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    out -= size;
    system_allocator::deallocate(memory, size, alignment);
  }
};

struct counted_heap {
  std::size_t out = 0;
  frys::result<void*> allocate(std::size_t size, std::size_t alignment) {
    out += size;
    return system_allocator::allocate(size, alignment);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    out -= size;
    system_allocator::deallocate(memory, size, alignment);
  }
};
counted_heap the_heap;

}  // namespace

TEST_CASE("allocator_pages: any allocator is the upstream of arenas and pools, and gets all of it back") {
  using pages = frys::allocator_pages<meter>;
  static_assert(frys::page_source<pages>);
  meter::left = 1000;
  {
    frys::arena<policy::pages<pages>, policy::chunk_size<4096>> a;
    promises::keeps_what_is_written(a);
    frys::object_pool<int, policy::pages<pages>> pool;
    auto one = pool.acquire(7);
    REQUIRE(one);
    CHECK(**one == 7);
    CHECK(meter::out >= a.reserved() + pool.reserved());
  }
  CHECK(meter::out == 0);
}

TEST_CASE("allocator_pages: pages are zeroed, page-aligned, and what the allocator refuses is refused") {
  using pages = frys::allocator_pages<meter>;
  meter::left = 100;
  for (int round = 0; round < 20; ++round) {
    auto memory = pages::allocate(5000);
    REQUIRE(memory);
    CHECK(memory->size() == 8192);
    CHECK(reinterpret_cast<std::uintptr_t>(memory->data()) % frys::page_size == 0);
    bool zero = true;
    for (std::byte& b : *memory) {
      zero = zero && b == std::byte{0};
      b = std::byte{0xff};
    }
    CHECK(zero);
    pages::release(*memory);
  }
  meter::left = 0;
  CHECK(pages::allocate(1).error() == frys::errc::out_of_memory);
  CHECK(pages::allocate(0).error() == frys::errc::invalid_argument);
  CHECK(pages::allocate((std::numeric_limits<std::size_t>::max)()).error() == frys::errc::out_of_memory);
  pages::release({});
  CHECK(meter::out == 0);
}

TEST_CASE("pages_of: an object with state is a page source") {
  using pages = frys::pages_of<the_heap>;
  static_assert(frys::page_source<pages>);
  {
    frys::arena<policy::pages<pages>> a;
    REQUIRE(a.allocate(100));
    CHECK(the_heap.out >= a.reserved());
  }
  CHECK(the_heap.out == 0);
}
