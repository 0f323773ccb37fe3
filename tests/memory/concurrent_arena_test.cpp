#include <frys/memory/concurrent_arena.hpp>
#include <frys/memory/std_allocator.hpp>

#include <doctest/doctest.h>

#include <barrier>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

using frys::concurrent_arena;
namespace policy = frys::policy;

static_assert(frys::raw_allocator<concurrent_arena<>::seat>);

TEST_CASE("concurrent_arena: pieces of one seat do not overlap, have their alignment, and keep their content") {
  concurrent_arena<policy::chunk_size<1024>> a;
  auto seat = a.join();
  REQUIRE(seat);
  std::vector<std::pair<unsigned char*, std::size_t>> pieces;
  for (std::size_t i = 0; i < 2000; ++i) {
    const std::size_t size = i % 41 == 0 ? i * 10 : i % 37, alignment = std::size_t{1} << (i % 10);
    auto p = seat->allocate(size, alignment);
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
}

TEST_CASE("concurrent_arena: threads take pieces at once, and none gets what another has") {
  using pages = counting_pages<90>;
  {
    concurrent_arena<policy::pages<pages>, policy::chunk_size<1024>> a;
    constexpr std::size_t threads = 4, rounds = 20, count = 500;
    std::barrier meet(static_cast<std::ptrdiff_t>(threads), [&]() noexcept { a.reset(); });
    std::vector<int> wrong(threads);
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t)
      all.emplace_back([&, t] {
        auto seat = a.join();
        if (!seat) return void(wrong[t] = 1000);
        std::vector<std::pair<unsigned char*, std::size_t>> mine;
        for (std::size_t r = 0; r < rounds; ++r) {
          for (std::size_t i = 0; i < count; ++i) {
            const std::size_t size = i % 50 == 49 ? 700 : 1 + i % 60;
            auto p = seat->allocate(size, 8);
            if (!p) {
              ++wrong[t];
              continue;
            }
            std::memset(*p, static_cast<int>(t + 1), size);
            mine.emplace_back(static_cast<unsigned char*>(*p), size);
          }
          for (const auto& [p, size] : mine)
            for (std::size_t k = 0; k < size; ++k) wrong[t] += p[k] != t + 1;
          mine.clear();
          meet.arrive_and_wait();  // the last one resets; the seats stay good
        }
      });
    for (std::thread& t : all) t.join();
    for (const int w : wrong) CHECK(w == 0);
    a.release();
    CHECK(a.reserved() == 0);
    CHECK(pages::held == 0);
  }
  CHECK(pages::held == 0);
}

TEST_CASE("concurrent_arena: what a seat has taken outlives it, and the rest of its chunk is its successor's") {
  concurrent_arena<policy::capacity<1>> a;
  std::string_view text;
  const void* last = nullptr;
  std::thread([&] {
    auto seat = a.join();
    text = *seat->copy(std::string_view("left behind"));
    last = *seat->allocate(16);
    CHECK(a.join().error() == frys::errc::full);
  }).join();
  CHECK(text == "left behind");
  auto seat = a.join();
  REQUIRE(seat);
  const void* next = *seat->allocate(16);
  CHECK(static_cast<const char*>(last) - static_cast<const char*>(next) == 16);
  auto moved = *std::move(seat);
  CHECK(*moved.make<int>(7).value() == 7);
  CHECK(moved.make_array<int>(10)->size() == 10);
  CHECK(a.join().error() == frys::errc::full);
  moved.leave();
  CHECK(a.join());
}

TEST_CASE("concurrent_arena: reset keeps the largest piece of memory, so that a steady load settles") {
  using pages = counting_pages<91>;
  {
    concurrent_arena<policy::pages<pages>, policy::chunk_size<1024>> a;
    auto seat = a.join();
    const auto round = [&] {
      for (int i = 0; i < 1000; ++i) REQUIRE(seat->allocate(100));
      a.reset();
    };
    for (int i = 0; i < 4; ++i) round();
    const void* const before = *seat->allocate(16);
    a.reset();
    CHECK(*seat->allocate(16) == before);  // the seat has forgotten its chunk too
    const std::size_t settled = pages::allocations;
    for (int i = 0; i < 50; ++i) round();
    CHECK(pages::allocations == settled);
    CHECK(pages::held == a.reserved());
  }
  CHECK(pages::held == 0);
}

TEST_CASE("concurrent_arena: a limit, absurd sizes, and a source that refuses at any call are errors; it goes on") {
  using pages = counting_pages<92>;
  {
    concurrent_arena<policy::pages<pages>, policy::chunk_size<1024>, policy::limit<65536>> a;
    auto seat = a.join();
    std::size_t got = 0;
    for (;; got += 100) {
      auto p = seat->allocate(100);
      if (!p) {
        CHECK(p.error() == frys::errc::limit_exceeded);
        break;
      }
      std::memset(*p, 1, 100);
    }
    CHECK(got > 50'000);
    CHECK(a.reserved() <= 65536);
    for (const std::size_t size : std::initializer_list<std::size_t>{(std::numeric_limits<std::size_t>::max)(),
                                                                     (std::numeric_limits<std::size_t>::max)() / 2})
      CHECK(seat->allocate(size).error() == frys::errc::out_of_memory);
    CHECK(seat->allocate(1, ~((std::numeric_limits<std::size_t>::max)() / 2)).error() == frys::errc::out_of_memory);
    a.reset();
    CHECK(seat->allocate(100));
  }
  CHECK(pages::held == 0);
  for (std::size_t at = 0; at < 3; ++at) {
    pages::allocations = 0;
    concurrent_arena<policy::pages<pages>, policy::chunk_size<1024>> a;
    auto seat = a.join();
    std::size_t refused = 0;
    for (int i = 0; i < 600; ++i) {
      pages::refuses = refused == 0 && pages::allocations == at;
      auto p = seat->allocate(100);
      if (!p) CHECK(p.error() == frys::errc::out_of_memory);
      refused += !p;
    }
    CHECK(refused == 1);
    pages::refuses = false;
  }
  CHECK(pages::held == 0);
}

TEST_CASE("concurrent_arena: policy::alignment, and alignments beyond a cache line without a new chunk for each") {
  using pages = counting_pages<93>;
  concurrent_arena<policy::pages<pages>, policy::alignment<32>> a;
  auto seat = a.join();
  for (std::size_t i = 0; i < 100; ++i) {
    REQUIRE(reinterpret_cast<std::uintptr_t>(*seat->allocate(i % 7, 1)) % 32 == 0);
    REQUIRE(reinterpret_cast<std::uintptr_t>(*seat->allocate(8, 256)) % 256 == 0);
    REQUIRE(reinterpret_cast<std::uintptr_t>(*seat->allocate(20'000, 512)) % 512 == 0);
  }
  CHECK(pages::allocations <= 3);  // 2 MiB of large pieces and one or two chunks
}

TEST_CASE("concurrent_arena: what was not handed out, or was forgotten, is poisoned where AddressSanitizer looks") {
  constexpr bool looks = FRYS_ASAN != 0;
  concurrent_arena<> a;
  auto seat = a.join();
  const char* first = static_cast<const char*>(*seat->allocate(16));
  const char* large = static_cast<const char*>(*seat->allocate(20'000));
  CHECK_FALSE(frys::is_poisoned(first));
  CHECK_FALSE(frys::is_poisoned(large + 19'999));
  CHECK(frys::is_poisoned(large - 8) == looks);
  a.reset();
  CHECK(frys::is_poisoned(first) == looks);
  CHECK(frys::is_poisoned(large) == looks);
}

TEST_CASE("concurrent_arena: the standard's containers live at a seat") {
  using arena = concurrent_arena<>;
  arena a;
  auto seat = a.join();
  REQUIRE(seat);
  std::vector<int, frys::std_allocator<int, arena::seat>> v(*seat);
  for (int i = 0; i < 10'000; ++i) v.push_back(i);
  CHECK(v.back() == 9'999);
}
