#include <frys/memory/arena.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

using frys::arena;
namespace policy = frys::policy;

TEST_CASE("arena: pieces do not overlap, have their alignment, and keep their content") {
  arena<policy::chunk_size<1024>> a;
  std::vector<std::pair<unsigned char*, std::size_t>> pieces;
  for (std::size_t i = 0; i < 500; ++i) {
    const std::size_t size = i % 37;
    const std::size_t alignment = std::size_t{1} << (i % 8);
    auto p = a.allocate(size, alignment);
    REQUIRE(p);
    REQUIRE(*p != nullptr);
    REQUIRE(reinterpret_cast<std::uintptr_t>(*p) % alignment == 0);
    std::memset(*p, static_cast<int>(i & 0xff), size);
    pieces.emplace_back(static_cast<unsigned char*>(*p), size);
  }
  bool whole = true;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    for (std::size_t k = 0; k < pieces[i].second; ++k) whole = whole && pieces[i].first[k] == (i & 0xff);
  CHECK(whole);
  CHECK(a.used() <= a.reserved());
}

TEST_CASE("arena: takes no memory before the first allocation, also one of size zero") {
  arena<> a;
  CHECK(a.reserved() == 0);
  CHECK(a.used() == 0);
  auto p = a.allocate(0);
  REQUIRE(p);
  CHECK(*p != nullptr);
}

TEST_CASE("arena: make and make_array build values, copy keeps bytes and text") {
  struct point {
    int x, y;
    point(int a, int b) : x(a), y(b) {}
  };
  arena<> a;
  auto p = a.make<point>(3, 4);
  REQUIRE(p);
  CHECK((*p)->x == 3);
  CHECK((*p)->y == 4);
  auto zeros = a.make_array<double>(100);
  REQUIRE(zeros);
  CHECK(zeros->size() == 100);
  CHECK((*zeros)[99] == 0.0);
  std::string text = "a text that goes";
  auto kept = a.copy(text);
  REQUIRE(kept);
  text.assign(text.size(), '?');
  CHECK(*kept == "a text that goes");
  CHECK(a.copy(std::string_view())->empty());
}

TEST_CASE("arena: rewind forgets what came after the mark and nothing else, across chunks") {
  arena<policy::chunk_size<512>> a;
  auto before = a.copy(std::string_view("kept"));
  REQUIRE(before);
  const auto mark = a.mark();
  const std::size_t used = a.used();
  auto first = a.allocate(64, 1);
  REQUIRE(first);
  for (int i = 0; i < 100; ++i) REQUIRE(a.allocate(200));
  CHECK(a.used() > used);
  CHECK(a.high_water() >= 20'000);
  a.rewind(mark);
  CHECK(a.used() == used);
  CHECK(a.high_water() >= 20'000);
  CHECK(*before == "kept");
  auto again = a.allocate(64, 1);
  REQUIRE(again);
  CHECK(*again == *first);
}

TEST_CASE("arena: a mark of an empty arena rewinds to empty") {
  arena<> a;
  const auto mark = a.mark();
  REQUIRE(a.allocate(1000));
  a.rewind(mark);
  CHECK(a.used() == 0);
  CHECK(a.allocate(10));
}

TEST_CASE("arena: reset keeps one chunk, so that a steady load settles and asks the source no more") {
  using pages = counting_pages<20>;
  {
    arena<policy::pages<pages>, policy::chunk_size<1024>> a;
    const auto round = [&] {
      for (int i = 0; i < 300; ++i) REQUIRE(a.allocate(100));
      a.reset();
    };
    round();
    round();
    const auto settled = pages::allocations.load();
    for (int i = 0; i < 100; ++i) round();
    CHECK(pages::allocations == settled);
    CHECK(a.used() == 0);
    CHECK(a.reserved() > 0);
    a.release();
    CHECK(a.reserved() == 0);
    CHECK(pages::held == 0);
    CHECK(a.allocate(5));
  }
  CHECK(pages::held == 0);
}

TEST_CASE("arena: the limit refuses with errc::limit_exceeded, and smaller pieces still fit after") {
  arena<policy::limit<8192>, policy::chunk_size<1024>> a;
  auto large = a.allocate(9000);
  REQUIRE_FALSE(large);
  CHECK(large.error() == frys::errc::limit_exceeded);
  std::size_t got = 0;
  for (;;) {
    auto p = a.allocate(100, 4);
    if (!p) {
      CHECK(p.error() == frys::errc::limit_exceeded);
      break;
    }
    got += 100;
  }
  CHECK(got > 4000);
  CHECK(a.reserved() <= 8192);
  a.reset();
  CHECK(a.allocate(1000));
  a.release();
  CHECK(a.allocate(8000));
}

TEST_CASE("arena: a source that refuses and absurd sizes are errc::out_of_memory; the arena stays whole") {
  using pages = counting_pages<21>;
  arena<policy::pages<pages>> a;
  pages::refuses = true;
  auto p = a.allocate(10);
  REQUIRE_FALSE(p);
  CHECK(p.error() == frys::errc::out_of_memory);
  pages::refuses = false;
  auto kept = a.copy(std::string_view("kept"));
  REQUIRE(kept);
  for (const std::size_t size :
       {(std::numeric_limits<std::size_t>::max)(), (std::numeric_limits<std::size_t>::max)() / 2}) {
    auto huge = a.allocate(size);
    REQUIRE_FALSE(huge);
    CHECK(huge.error() == frys::errc::out_of_memory);
  }
  CHECK(a.make_array<std::uint64_t>((std::numeric_limits<std::size_t>::max)() / 4).error() ==
        frys::errc::out_of_memory);
  CHECK(*kept == "kept");
}

TEST_CASE("arena: moving hands everything over, and the moved-from arena is empty and works") {
  using pages = counting_pages<22>;
  {
    arena<policy::pages<pages>> a;
    auto text = a.copy(std::string_view("moved"));
    REQUIRE(text);
    arena<policy::pages<pages>> b(std::move(a));
    CHECK(a.used() == 0);  // NOLINT: a moved-from arena is empty
    CHECK(a.allocate(1));
    CHECK(*text == "moved");
    arena<policy::pages<pages>> c;
    REQUIRE(c.allocate(1));
    c = std::move(b);
    CHECK(*text == "moved");
  }
  CHECK(pages::held == 0);
}

TEST_CASE("arena: an alignment larger than a page is honoured") {
  arena<> a;
  auto p = a.allocate(100, 1 << 16);
  REQUIRE(p);
  CHECK(reinterpret_cast<std::uintptr_t>(*p) % (1 << 16) == 0);
}

TEST_CASE("arena: what was not handed out, or was forgotten, is poisoned where AddressSanitizer looks") {
  constexpr bool looks = FRYS_ASAN != 0;
  const auto poisoned = [](const void* p) { return frys::is_poisoned(p) == looks; };
  const auto usable = [](const void* p, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      if (frys::is_poisoned(static_cast<const char*>(p) + i)) return false;
    return true;
  };
  const auto before = [](const void* p, std::size_t by) { return static_cast<const char*>(p) - by; };
  arena<policy::chunk_size<1024>> a;
  const void* first = *a.allocate(13, 1);
  CHECK(usable(first, 13));
  CHECK(poisoned(before(first, 8)));
  const auto mark = a.mark();
  const void* second = *a.allocate(24);
  const void* large = *a.allocate(5000);  // in another chunk
  CHECK(usable(second, 24));
  CHECK(usable(large, 5000));
  CHECK(poisoned(before(large, 8)));
  a.rewind(mark);
  CHECK(poisoned(large));
  CHECK(poisoned(second));
  CHECK(usable(first, 13));
  a.reset();
  const void* again = *a.allocate(100);  // in the larger chunk, which was kept
  CHECK(usable(again, 100));
  CHECK(poisoned(before(again, 100)));
  arena<policy::chunk_size<1024>> other(std::move(a));
  CHECK(usable(again, 100));
}

TEST_CASE("arena: memory goes back to its source unpoisoned") {
  static std::vector<std::byte> memory(4096);
  struct one_piece {
    static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
      if (size > memory.size()) return frys::error{frys::errc::out_of_memory, frys::domain::memory, "too large", 0};
      return frys::byte_span(memory);
    }
    static void release(frys::byte_span) noexcept {}
  };
  {
    arena<policy::pages<one_piece>, policy::chunk_size<4096>> a;
    CHECK(a.allocate(10));
  }
  for (std::byte& b : memory) b = std::byte{1};
}
