#include <frys/memory/arena.hpp>
#include <frys/memory/huge_pages.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

using frys::huge_page_size;
using frys::page_kind;
namespace policy = frys::policy;

namespace {

// A system with so many huge pages set aside, that agrees to advice or does not.
template <int Instance>
struct machine {
  inline static std::size_t set_aside = 0;
  inline static bool agrees = true, refuses = false, crooked = false;
  inline static std::size_t mapped = 0, discarded = 0;

  static frys::result<frys::byte_span> map(std::size_t size, std::size_t alignment) noexcept {
    if (refuses) return frys::detail::pages_refused(size);
    auto memory = frys::os_pages::allocate(size, alignment);
    if (memory) mapped += memory->size();
    return memory;
  }
  static std::byte* map_hugetlb(std::size_t size) noexcept {
    CHECK(size % huge_page_size == 0);
    if (set_aside < size) return nullptr;
    if (!crooked) set_aside -= size;
    mapped += size;
    return frys::os_pages::allocate(size, huge_page_size)->data();
  }
  static bool advise_huge(frys::byte_span memory) noexcept {
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % huge_page_size == 0);
    CHECK(memory.size() % huge_page_size == 0);
    return agrees;
  }
  static void discard(frys::byte_span memory) noexcept {
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % huge_page_size == 0);
    CHECK(memory.size() % huge_page_size == 0);
    discarded += memory.size();
    frys::os_pages::discard(memory);
  }
  static void unmap(frys::byte_span memory) noexcept {
    mapped -= memory.size();
    frys::os_pages::release(memory);
  }
};

template <class Pages>
void promises() {
  static_assert(frys::region_source<Pages>);
  for (const std::size_t size : {std::size_t{1}, 3 * frys::page_size, huge_page_size - 1, huge_page_size,
                                 huge_page_size + 1, 5 * huge_page_size}) {
    for (const std::size_t alignment : {frys::page_size, huge_page_size, 4 * huge_page_size}) {
      auto r = Pages::take(size, alignment);
      REQUIRE(r);
      CHECK(r->memory.size() >= size);
      CHECK(reinterpret_cast<std::uintptr_t>(r->memory.data()) % alignment == 0);
      if (r->memory.size() >= huge_page_size) {
        CHECK(reinterpret_cast<std::uintptr_t>(r->memory.data()) % huge_page_size == 0);
        CHECK(r->memory.size() % huge_page_size == 0);
      } else {
        CHECK(r->kind == page_kind::ordinary);
      }
      CHECK(r->memory.front() == std::byte{0});
      CHECK(r->memory.back() == std::byte{0});
      std::memset(r->memory.data(), 1, r->memory.size());
      Pages::discard(r->memory.subspan(1));
      CHECK(r->memory.front() == std::byte{1});
      Pages::release(r->memory);
    }
  }
  CHECK(Pages::allocate(0).error() == frys::errc::invalid_argument);
  CHECK(Pages::allocate(1, 3).error() == frys::errc::invalid_argument);
  CHECK(Pages::allocate((std::numeric_limits<std::size_t>::max)() / 2).error() == frys::errc::out_of_memory);
  Pages::release({});
}

}  // namespace

TEST_CASE("transparent_pages: zeroed, aligned memory of the real system, in whole huge pages from 2 MiB on") {
  promises<frys::transparent_pages>();
  CHECK(frys::transparent_pages::granted(page_kind::hugetlb) == 0);
  CHECK(frys::transparent_pages::granted(page_kind::ordinary) > 0);
}
TEST_CASE("hugetlb_pages: the same, whether this machine has set any aside or not") {
  promises<frys::hugetlb_pages>();
  CHECK(frys::hugetlb_pages::granted(page_kind::ordinary) + frys::hugetlb_pages::granted(page_kind::transparent) +
            frys::hugetlb_pages::granted(page_kind::hugetlb) >
        0);
}

TEST_CASE(
    "hugetlb_pages: takes what is set aside, then asks for transparent ones, then takes ordinary ones, and tells") {
  using system = machine<1>;
  using pages = frys::basic_hugetlb_pages<system>;
  system::set_aside = 4 * huge_page_size;
  const auto a = pages::take(3 * huge_page_size - 5);
  REQUIRE(a);
  CHECK(a->kind == page_kind::hugetlb);
  const auto b = pages::take(2 * huge_page_size);  // one is left: not enough
  REQUIRE(b);
  CHECK(b->kind == page_kind::transparent);
  system::agrees = false;
  const auto c = pages::take(2 * huge_page_size);
  REQUIRE(c);
  CHECK(c->kind == page_kind::ordinary);
  system::refuses = true;
  CHECK(pages::take(2 * huge_page_size).error() == frys::errc::out_of_memory);
  const auto d = pages::take(huge_page_size);  // the last that is set aside
  REQUIRE(d);
  CHECK(d->kind == page_kind::hugetlb);
  CHECK(pages::granted(page_kind::hugetlb) == 4 * huge_page_size);
  CHECK(pages::granted(page_kind::transparent) == 2 * huge_page_size);
  CHECK(pages::granted(page_kind::ordinary) == 2 * huge_page_size);
  for (const auto& r : {a, b, c, d}) pages::release(r->memory);
  CHECK(system::mapped == 0);
}

TEST_CASE("hugetlb_pages: an alignment that the huge pages do not have by chance is met by others, and none is lost") {
  using system = machine<2>;
  using pages = frys::basic_hugetlb_pages<system>;
  system::set_aside = huge_page_size;
  system::crooked = true;
  for (int i = 0; i < 8; ++i) {
    const auto r = pages::take(huge_page_size, 64 * huge_page_size);
    REQUIRE(r);
    CHECK(reinterpret_cast<std::uintptr_t>(r->memory.data()) % (64 * huge_page_size) == 0);
    pages::release(r->memory);
    CHECK(system::mapped == 0);
  }
}

TEST_CASE("transparent_pages: never takes what is set aside, and is ordinary where the kernel does not agree") {
  using system = machine<3>;
  using pages = frys::basic_transparent_pages<system>;
  system::set_aside = 4 * huge_page_size;
  auto r = pages::take(huge_page_size);
  REQUIRE(r);
  CHECK(r->kind == page_kind::transparent);
  CHECK(system::set_aside == 4 * huge_page_size);
  pages::release(r->memory);
  system::agrees = false;
  r = pages::take(huge_page_size);
  REQUIRE(r);
  CHECK(r->kind == page_kind::ordinary);
  pages::release(r->memory);
  CHECK(system::mapped == 0);
}

TEST_CASE("transparent_pages: discard takes whole huge pages and leaves the rest") {
  using system = machine<4>;
  using pages = frys::basic_transparent_pages<system>;
  auto r = pages::take(4 * huge_page_size);
  REQUIRE(r);
  std::memset(r->memory.data(), 1, r->memory.size());
  pages::discard(r->memory.subspan(1, huge_page_size));
  CHECK(system::discarded == 0);
  pages::discard(r->memory.subspan(huge_page_size - 1, 2 * huge_page_size + 1));
  CHECK(system::discarded == 2 * huge_page_size);
  CHECK(r->memory[huge_page_size - 1] == std::byte{1});
  CHECK(r->memory[3 * huge_page_size] == std::byte{1});
  pages::release(r->memory);
}

TEST_CASE("transparent_pages: an arena of huge pages") {
  frys::arena<policy::pages<frys::transparent_pages>, policy::chunk_size<4 * huge_page_size>> a;
  auto p = a.allocate(3 * huge_page_size, 64);
  REQUIRE(p);
  std::memset(*p, 1, 3 * huge_page_size);
  CHECK(a.reserved() == 4 * huge_page_size);
  a.reset();
  a.trim();
  CHECK(a.allocate(100));
}
