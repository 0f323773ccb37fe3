#include <frys/memory/arena.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

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

TEST_CASE("arena: a piece that is given back last first is free again, others wait for the rest") {
  arena<> a;
  auto first = a.allocate(100, 8);
  auto second = a.allocate(40, 8);
  REQUIRE(second);
  const std::size_t used = a.used();
  a.deallocate(*first, 100, 8);  // not the last one
  CHECK(a.used() == used);
  a.deallocate(*second, 40, 8);
  CHECK(frys::is_poisoned(*second) == (FRYS_ASAN != 0));
  auto again = a.allocate(40, 8);
  REQUIRE(again);
  CHECK(*again == *second);
  CHECK_FALSE(frys::is_poisoned(*again));
  arena<> empty;
  empty.deallocate(nullptr, 0, 1);
}

TEST_CASE("arena: reallocate keeps the bytes; the last piece takes and gives back the difference alone") {
  arena<policy::chunk_size<4096>> a;
  const auto fill = [](void* p, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) static_cast<unsigned char*>(p)[i] = static_cast<unsigned char>(i * 7);
  };
  const auto filled = [](const void* p, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      if (static_cast<const unsigned char*>(p)[i] != static_cast<unsigned char>(i * 7)) return false;
    return true;
  };
  void* p = *a.allocate(16, 8);
  fill(p, 16);
  for (std::size_t size = 16; size < 2000;) {
    const std::size_t wanted = 2 * size;
    auto bigger = a.reallocate(p, size, wanted, 8);
    REQUIRE(bigger);
    p = *bigger;
    CHECK(filled(p, size));
    CHECK(a.used() <= wanted + 8);  // no old copy is left behind
    fill(p, wanted);
    size = wanted;
    if (size >= 2000) {
      auto less = a.reallocate(p, size, 104, 8);
      REQUIRE(less);
      CHECK(filled(*less, 100));
      CHECK(a.used() <= 112);
      CHECK(frys::is_poisoned(p) == (FRYS_ASAN != 0));
      p = *less;
    }
  }
  REQUIRE(a.allocate(10));  // p is not the last one any more
  CHECK(*a.reallocate(p, 104, 50, 8) == p);
  auto elsewhere = a.reallocate(p, 104, 200, 8);
  REQUIRE(elsewhere);
  CHECK(*elsewhere != p);
  CHECK(filled(*elsewhere, 100));
  CHECK(filled(p, 100));
  auto in_a_new_chunk = a.reallocate(*elsewhere, 200, 10'000, 8);
  REQUIRE(in_a_new_chunk);
  CHECK(filled(*in_a_new_chunk, 100));
  auto aligned = a.reallocate(*in_a_new_chunk, 10'000, 100, 4096);
  REQUIRE(aligned);
  CHECK(reinterpret_cast<std::uintptr_t>(*aligned) % 4096 == 0);
  CHECK(filled(*aligned, 100));
}

TEST_CASE("arena: what reallocate cannot have leaves all as it was") {
  using pages = counting_pages<23>;
  arena<policy::pages<pages>, policy::chunk_size<4096>> a;
  auto text = a.copy(std::string_view("still here"));
  REQUIRE(text);
  const std::size_t used = a.used();
  pages::refuses = true;
  void* const memory = const_cast<char*>(text->data());
  CHECK(a.reallocate(memory, text->size(), 100'000, 1).error() == frys::errc::out_of_memory);
  CHECK(a.reallocate(memory, text->size(), (std::numeric_limits<std::size_t>::max)(), 1).error() ==
        frys::errc::out_of_memory);
  CHECK(*text == "still here");
  CHECK(a.used() == used);
  pages::refuses = false;
}

TEST_CASE("arena: a scope forgets at its end what was allocated in it") {
  arena<policy::chunk_size<512>> a;
  auto kept = a.copy(std::string_view("kept"));
  REQUIRE(kept);
  const std::size_t used = a.used();
  {
    const auto outer = a.scope();
    REQUIRE(a.allocate(100));
    {
      const auto inner = a.scope();
      REQUIRE(a.allocate(5000));
    }
    CHECK(a.used() < 5000);
    CHECK(a.used() > used);
  }
  CHECK(a.used() == used);
  CHECK(*kept == "kept");
}

TEST_CASE("arena: policy::alignment is the least alignment of each piece, in every chunk") {
  arena<policy::alignment<64>, policy::chunk_size<1024>> a;
  for (int i = 0; i < 200; ++i) {
    auto p = a.allocate(static_cast<std::size_t>(i % 40), 1);
    REQUIRE(p);
    REQUIRE(reinterpret_cast<std::uintptr_t>(*p) % 64 == 0);
  }
  CHECK(reinterpret_cast<std::uintptr_t>(a.copy(std::string_view("x"))->data()) % 64 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(*a.allocate(1, 256)) % 256 == 0);
  arena<policy::alignment<4096>, policy::chunk_size<256>> pages;
  for (int i = 0; i < 20; ++i) REQUIRE(reinterpret_cast<std::uintptr_t>(*pages.allocate(100, 1)) % 4096 == 0);
}

TEST_CASE("arena: pieces of every size and alignment fill a chunk to its end and never pass it") {
  using pages = counting_pages<24>;
  for (const std::size_t alignment : std::initializer_list<std::size_t>{1, 2, 8, 16, 32, 64, 128, 1024}) {
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 7, 8, 63, 64, 65, 200}) {
      arena<policy::pages<pages>, policy::chunk_size<4096>, policy::growth<frys::growth::none>> a;
      std::size_t count = 0;
      unsigned char* lowest = nullptr;
      for (; count < 5000; ++count) {
        auto p = a.allocate(size, alignment);
        if (!p) {
          CHECK(p.error() == frys::errc::limit_exceeded);
          break;
        }
        lowest = static_cast<unsigned char*>(*p);
        std::memset(lowest, 0xab, size);
      }
      CHECK(a.used() <= 4096);
      if (size == 0)
        CHECK(count == 5000);  // nothing is used up
      else
        CHECK(count + 1 >= (4096 - 128 - alignment) / (size < alignment ? alignment : size + alignment - 1));
      CHECK(a.owns(lowest));
    }
  }
  CHECK(pages::held == 0);
}

TEST_CASE("arena: growth::fixed takes chunks of one size; growth::none no second one") {
  using pages = counting_pages<25>;
  {
    arena<policy::pages<pages>, policy::chunk_size<4096>, policy::growth<frys::growth::fixed>> a;
    for (std::size_t chunks = 1; chunks < 10; ++chunks) {
      while (a.used() < chunks * 3800) REQUIRE(a.allocate(100));
      CHECK(pages::held == chunks * 4096);
    }
    auto large = a.allocate(10'000);
    REQUIRE(large);
    CHECK(a.allocate(4000));
  }
  arena<policy::pages<pages>, policy::chunk_size<4096>, policy::growth<frys::growth::none>> a;
  CHECK(a.allocate(5000).error() == frys::errc::limit_exceeded);
  CHECK(pages::held == 0);
  REQUIRE(a.allocate(3000));
  CHECK(a.allocate(3000).error() == frys::errc::limit_exceeded);
  CHECK(a.allocate(500));
  a.reset();
  CHECK(a.allocate(3000));
  CHECK(pages::held == 4096);
}

TEST_CASE("arena: trim empties what is not in use and keeps the rest; without discard it gives the spare chunk back") {
  using pages = counting_pages<26>;
  arena<policy::pages<pages>, policy::chunk_size<65536>> a;
  auto kept = a.copy(std::string_view("kept"));
  REQUIRE(kept);
  a.trim();
  CHECK(pages::discarded > 65'000);
  CHECK(*kept == "kept");
  CHECK(a.allocate(60'000));
  const std::size_t reserved = a.reserved();
  a.reset();
  pages::discarded = 0;
  a.trim();
  CHECK(pages::discarded > 65'000);
  CHECK(a.reserved() == reserved);
  CHECK(a.allocate(60'000));

  struct plain {  // no region_source
    static frys::result<frys::byte_span> allocate(std::size_t size) noexcept { return pages::allocate(size); }
    static void release(frys::byte_span memory) noexcept { pages::release(memory); }
  };
  arena<policy::pages<plain>> b;
  REQUIRE(b.allocate(10));
  b.trim();
  CHECK(b.reserved() > 0);
  b.reset();
  b.trim();
  CHECK(b.reserved() == 0);
  CHECK(b.allocate(10));
}

TEST_CASE("arena: a source that refuses at any one of its calls is told, and the arena goes on") {
  using pages = counting_pages<27>;
  for (std::size_t at = 0; at < 5; ++at) {
    {
      arena<policy::pages<pages>, policy::chunk_size<512>> a;
      std::size_t refused = 0, got = 0;
      for (std::size_t i = 0; i < 400; ++i) {
        pages::refuses = refused == 0 && pages::allocations == at;
        auto p = a.allocate(1 + i, 8);
        if (p) {
          std::memset(*p, 1, 1 + i);
          ++got;
        } else {
          CHECK(p.error() == frys::errc::out_of_memory);
          ++refused;
        }
      }
      CHECK(refused == 1);
      CHECK(got == 399);
    }
    CHECK(pages::held == 0);
    pages::allocations = 0;
  }
}

#if defined(__linux__)
TEST_CASE("arena: over os_pages a region of 64 MiB is reserved, and what is touched is committed, until trim") {
  constexpr std::size_t mebi = 1 << 20;
  const auto resident = [](const void* p, std::size_t size) {
    std::vector<unsigned char> present(size / 4096 + 1);
    if (::mincore(const_cast<void*>(p), size, present.data()) != 0) return size;
    std::size_t bytes = 0;
    for (const unsigned char c : present) bytes += (c & 1) * frys::page_size;
    return bytes;
  };
  arena<policy::chunk_size<64 * mebi>> a;
  auto region = a.allocate(60 * mebi, 65536);
  REQUIRE(region);
  CHECK(a.reserved() == 64 * mebi);
  CHECK(resident(*region, 60 * mebi) <=
        2 * mebi);  // a machine that makes large pages of all memory commits one of them
  std::memset(static_cast<char*>(*region) + 30 * mebi, 1, 3 * mebi);
  CHECK(resident(*region, 60 * mebi) >= 3 * mebi);
  CHECK(resident(*region, 60 * mebi) <= 9 * mebi);
  a.reset();
  CHECK(resident(*region, 60 * mebi) >= 3 * mebi);  // reset keeps the pages
  a.trim();
  CHECK(resident(*region, 60 * mebi) == 0);
  CHECK(a.reserved() == 64 * mebi);
  auto again = a.allocate(60 * mebi, 65536);
  REQUIRE(again);
  CHECK(*again == *region);
}

TEST_CASE("arena: a limit of 64 regions of 64 MiB is kept") {
  // Not under AddressSanitizer, which would mark 4 GiB byte by byte.
  if constexpr (sizeof(std::size_t) == 8 && FRYS_ASAN == 0) {
    constexpr std::size_t region = std::size_t{64} << 20;
    arena<policy::chunk_size<region>, policy::growth<frys::growth::fixed>, policy::limit<64 * region>> a;
    for (int i = 0; i < 64; ++i) REQUIRE(a.allocate(region - 4096));
    CHECK(a.reserved() == 64 * region);
    CHECK(a.allocate(region - 4096).error() == frys::errc::limit_exceeded);
    CHECK(a.allocate(100));
  }
}
#endif
