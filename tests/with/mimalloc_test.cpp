#if defined(FRYS_WITH_MIMALLOC) && FRYS_WITH_MIMALLOC

#include <frys/with/mimalloc.hpp>

#include <doctest/doctest.h>
#include <frys/memory/allocator_pages.hpp>
#include <frys/memory/arena.hpp>

#include <cstddef>
#include <limits>

#include "memory/allocator_promises.hpp"

using allocator = frys::mimalloc_allocator;

TEST_CASE("mimalloc_allocator: pieces are aligned and keep their bytes") {
  allocator a;
  promises::keeps_what_is_written(a);
  promises::keeps_what_is_written(a, 100'000, 256);
}

TEST_CASE("mimalloc_allocator: absurd sizes are errc::out_of_memory") {
  constexpr std::size_t most = (std::numeric_limits<std::size_t>::max)();
  for (const std::size_t size : {most, most / 2, most / 2 + 1}) {
    CHECK(allocator::allocate(size).error() == frys::errc::out_of_memory);
    CHECK(allocator::allocate_zeroed(size, 64).error() == frys::errc::out_of_memory);
  }
}

TEST_CASE("mimalloc_allocator: is the upstream of an arena, with zeroed pages") {
  using pages = frys::allocator_pages<allocator>;
  static_assert(frys::page_source<pages>);
  for (int round = 0; round < 20; ++round) {
    auto memory = pages::allocate(20'000);
    REQUIRE(memory);
    bool zero = true;
    for (std::byte& b : *memory) {
      zero = zero && b == std::byte{0};
      b = std::byte{0xff};
    }
    CHECK(zero);
    pages::release(*memory);
  }
  frys::arena<frys::policy::pages<pages>> a;
  promises::keeps_what_is_written(a);
}

#endif
