#include <frys/memory/pages.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace {

template <class Pages>
void promises() {
  static_assert(frys::page_source<Pages>);
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
  Pages::release({});
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
