#include <frys/memory/pages.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace {

template <class Pages>
void promises() {
  static_assert(frys::region_source<Pages>);
  for (const std::size_t size : {std::size_t{1}, frys::page_size, 3 * frys::page_size + 1, std::size_t{1} << 20}) {
    auto memory = Pages::allocate(size);
    REQUIRE(memory);
    CHECK(memory->size() >= size);
    CHECK(reinterpret_cast<std::uintptr_t>(memory->data()) % frys::page_size == 0);
    bool zeroed = true;
    for (const std::byte b : *memory) zeroed = zeroed && b == std::byte{0};
    CHECK(zeroed);
    for (std::byte& b : *memory) b = std::byte{0xff};
    Pages::release(*memory);
  }
}

template <class Pages>
void refusals() {
  auto huge = Pages::allocate((std::numeric_limits<std::size_t>::max)());
  REQUIRE_FALSE(huge);
  CHECK(huge.error() == frys::errc::out_of_memory);
  CHECK(huge.error().where == frys::domain::memory);
  auto none = Pages::allocate(0);
  REQUIRE_FALSE(none);
  CHECK(none.error() == frys::errc::invalid_argument);
  for (const std::size_t alignment : {std::size_t{0}, std::size_t{12288}}) {
    auto odd = Pages::allocate(100, alignment);
    REQUIRE_FALSE(odd);
    CHECK(odd.error() == frys::errc::invalid_argument);
  }
  auto far_apart = Pages::allocate(100, ~((std::numeric_limits<std::size_t>::max)() / 2));
  REQUIRE_FALSE(far_apart);
  CHECK(far_apart.error() == frys::errc::out_of_memory);
  Pages::release({});
}

template <class Pages>
void alignments() {
  for (std::size_t alignment = frys::page_size; alignment <= std::size_t{64} << 20; alignment *= 4) {
    for (const std::size_t size : {std::size_t{1}, 3 * frys::page_size + 1, std::size_t{4} << 20}) {
      auto first = Pages::allocate(size, alignment);
      auto second = Pages::allocate(size, alignment);  // beside the first, where the system places them so
      REQUIRE(first);
      REQUIRE(second);
      for (const frys::byte_span memory : {*first, *second}) {
        CHECK(memory.size() >= size);
        CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % alignment == 0);
        CHECK(memory.front() == std::byte{0});
        CHECK(memory.back() == std::byte{0});
        memory.front() = memory.back() = std::byte{1};
      }
      Pages::release(*first);
      CHECK(second->back() == std::byte{1});
      Pages::release(*second);
    }
  }
}

// What stays, stays; what goes reads as zeros or as before, page for page.
template <class Pages>
std::size_t zeroed_by_discard() {
  constexpr std::size_t size = 64 * frys::page_size;
  auto memory = Pages::allocate(size, 16 * frys::page_size);
  REQUIRE(memory);
  for (std::byte& b : *memory) b = std::byte{7};
  const std::size_t from = 16 * frys::page_size - 100, bytes = 32 * frys::page_size + 200;  // not on edges
  Pages::discard(memory->subspan(from, bytes));
  Pages::discard(memory->subspan(100, 50));
  Pages::discard(memory->subspan(0, 0));
  std::size_t zeros = 0;
  bool kept = true;
  for (std::size_t i = 0; i < size; ++i) {
    const bool zero = (*memory)[i] == std::byte{0};
    kept = kept && (zero ? i >= from && i < from + bytes : (*memory)[i] == std::byte{7});
    zeros += zero;
  }
  CHECK(kept);
  for (std::byte& b : *memory) b = std::byte{9};  // still writable
  Pages::release(*memory);
  return zeros;
}

}  // namespace

TEST_CASE("os_pages: memory is zeroed, aligned to pages, writable and at least as large as asked") {
  promises<frys::os_pages>();
}
TEST_CASE("heap_pages: memory is zeroed, aligned to pages, writable and at least as large as asked") {
  promises<frys::heap_pages>();
}
TEST_CASE("os_pages: absurd sizes and size zero are refused by an error") { refusals<frys::os_pages>(); }
TEST_CASE("heap_pages: absurd sizes and size zero are refused by an error") { refusals<frys::heap_pages>(); }
TEST_CASE("os_pages: an alignment larger than a page is honoured") { alignments<frys::os_pages>(); }
TEST_CASE("heap_pages: an alignment larger than a page is honoured") { alignments<frys::heap_pages>(); }
TEST_CASE("os_pages: discard empties the whole pages of a part, and nothing beside it") {
  [[maybe_unused]] const std::size_t zeros = zeroed_by_discard<frys::os_pages>();
#if defined(__linux__)
  CHECK(zeros == 32 * frys::page_size);  // on a machine of larger pages too, up to 64 KiB
#endif
}
TEST_CASE("heap_pages: discard keeps everything usable") { CHECK(zeroed_by_discard<frys::heap_pages>() == 0); }
