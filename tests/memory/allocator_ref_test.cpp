#include <frys/memory/allocator_ref.hpp>

#include <doctest/doctest.h>
#include <frys/memory/arena.hpp>

#include <cstddef>
#include <string>

#include "allocator_promises.hpp"

namespace {

// Remembers for whom it was asked.
struct curious {
  frys::arena<> memory;
  std::string tag, file;
  unsigned line = 0;
  frys::result<void*> allocate(std::size_t size, std::size_t alignment, const frys::allocation_site& site = {}) {
    tag = site.tag;
    file = site.file;
    line = site.line;
    return memory.allocate(size, alignment);
  }
  void deallocate(void*, std::size_t, std::size_t) noexcept {}
};
struct place {
  const char* file_name() const { return "there.cpp"; }
  std::uint_least32_t line() const { return 7; }
};

}  // namespace

TEST_CASE("allocator_ref: two users share one allocator, and it owns what the allocator owns") {
  frys::arena<> a;
  frys::allocator_ref<frys::arena<>> one = a, two = a;
  static_assert(frys::owning_allocator<frys::allocator_ref<frys::arena<>>>);
  static_assert(!frys::owning_allocator<frys::allocator_ref<curious>>);
  promises::keeps_what_is_written(one);
  auto p = two.allocate(10);
  REQUIRE(p);
  CHECK(one.owns(*p));
  CHECK_FALSE(one.owns(&a));
  CHECK(one == two);
  CHECK(&one.inner() == &a);
}

TEST_CASE("allocation_site: names the line of the call, also by default and through references") {
  curious a;
  frys::allocator_ref<curious> ref = a;
  const unsigned here = __LINE__;
  REQUIRE(ref.allocate(8));
  CHECK(a.line == here + 1);
  CHECK(a.file == __FILE__);
  CHECK(a.tag.empty());
  REQUIRE(ref.allocate(8, 8, "parser"));
  CHECK(a.line == here + 5);
  CHECK(a.tag == "parser");
  REQUIRE(ref.allocate(8, 8, frys::allocation_site::of<int>()));
  CHECK(a.tag == "int");
  REQUIRE(ref.allocate(8, 8, place{}));
  CHECK(a.file == "there.cpp");
  CHECK(a.line == 7);
  REQUIRE(ref.allocate(8, 8, frys::allocation_site(place{}, "tag")));
  CHECK(a.tag == "tag");
}

TEST_CASE("tagged_ref: what is taken through it carries its tag, unless the call names one") {
  curious a;
  frys::tagged_ref<curious> tagged(a, "sessions");
  const unsigned here = __LINE__;
  REQUIRE(tagged.allocate(8));
  CHECK(a.tag == "sessions");
  CHECK(a.line == here + 1);
  REQUIRE(tagged.allocate(8, 8, "other"));
  CHECK(a.tag == "other");
  promises::keeps_what_is_written(tagged);
  CHECK(tagged.tag() == "sessions");
  frys::arena<> b;
  frys::tagged_ref<frys::arena<>> plain(b, "x");  // an allocator that is not curious is told nothing
  static_assert(frys::owning_allocator<frys::tagged_ref<frys::arena<>>>);
  CHECK(plain.owns(*plain.allocate(1)));
}
