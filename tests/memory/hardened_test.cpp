#include <frys/memory/hardened.hpp>

#include <doctest/doctest.h>
#include <frys/memory/arena.hpp>
#include <frys/memory/block_pool.hpp>
#include <frys/memory/limited.hpp>
#include <frys/memory/system_allocator.hpp>

#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "allocator_promises.hpp"
#include "counting_pages.hpp"

using frys::hardened;
using frys::system_allocator;
using frys::violation;
namespace policy = frys::policy;

namespace {

struct recorder {
  inline static std::vector<frys::memory_violation> all;
  static void found(const frys::memory_violation& v) noexcept { all.push_back(v); }
};
using recorded = policy::on_violation<recorder>;

// The last mistake, and that it was the only one.
frys::memory_violation only() {
  CHECK(recorder::all.size() == 1);
  frys::memory_violation v = recorder::all.empty() ? frys::memory_violation{} : recorder::all.back();
  recorder::all.clear();
  return v;
}
// Writes a byte that nobody may write, past AddressSanitizer.
void scribble(void* block, std::ptrdiff_t offset) {
  unsigned char* const at = static_cast<unsigned char*>(block) + offset;
  frys::unpoison(at, 1);
  *at = static_cast<unsigned char>(~*at);
}

}  // namespace

TEST_CASE("hardened: a program without mistakes hears nothing, and gets aligned blocks that keep their bytes") {
  recorder::all.clear();
  frys::limited<system_allocator> counted(1 << 20);
  {
    hardened<frys::allocator_ref<decltype(counted)>, recorded> a(counted);
    static_assert(frys::owning_allocator<decltype(a)>);
    promises::keeps_what_is_written(a);
    CHECK(a.check_all() == 0);
    CHECK(a.live_count() == 0);
    CHECK(a.quarantined() > 100);
  }
  CHECK(counted.used() == 0);
  CHECK(recorder::all.empty());
}

TEST_CASE("hardened: a write behind or before a block is found when it is freed, with its place") {
  recorder::all.clear();
  hardened<system_allocator, recorded> a;
  for (const std::size_t size : {0u, 1u, 7u, 8u, 24u, 1000u}) {
    for (const std::size_t alignment : {1u, 16u, 256u}) {
      for (const std::size_t past : {0u, 3u, 15u}) {
        void* p = *a.allocate(size, alignment, "block");
        scribble(p, static_cast<std::ptrdiff_t>(size + past));
        a.deallocate(p, size, alignment);
        const frys::memory_violation v = only();
        CHECK(v.kind == violation::overflow);
        CHECK(v.memory == p);
        CHECK(v.size == size);
        CHECK(v.offset == static_cast<std::ptrdiff_t>(size + past));
        CHECK(v.site.tag == "block");
        CHECK(v.site.file == std::string_view(__FILE__));
        p = *a.allocate(size, alignment);
        scribble(p, -1 - static_cast<std::ptrdiff_t>(past));
        a.deallocate(p, size, alignment);
        const frys::memory_violation u = only();
        CHECK(u.kind == violation::underflow);
        CHECK(u.offset == -1 - static_cast<std::ptrdiff_t>(past));
      }
    }
  }
}

TEST_CASE("hardened: a write after free is found when the block leaves the quarantine, or is looked for") {
  recorder::all.clear();
  {
    hardened<system_allocator, recorded, policy::quarantine<2>> a;
    void* p = *a.allocate(100);
    a.deallocate(p, 100, 16);
    CHECK(recorder::all.empty());
    scribble(p, 40);
    CHECK(a.check_all() == 1);
    CHECK(only().kind == violation::use_after_free);
    a.deallocate(*a.allocate(1), 1, 16);
    CHECK(recorder::all.empty());
    a.deallocate(*a.allocate(1), 1, 16);  // p leaves
    const frys::memory_violation v = only();
    CHECK(v.kind == violation::use_after_free);
    CHECK(v.offset == 40);
    CHECK(v.memory == p);
    void* q = *a.allocate(10);
    a.deallocate(q, 10, 16);
    scribble(q, 0);
  }
  CHECK(only().kind == violation::use_after_free);  // at its end
}

TEST_CASE("hardened: frees of the wrong thing are found and change nothing") {
  recorder::all.clear();
  hardened<system_allocator, recorded> a;
  char* p = static_cast<char*>(*a.allocate(100));
  std::memset(p, 7, 100);
  int foreign = 0;
  a.deallocate(&foreign, 4, 4);
  CHECK(only().kind == violation::foreign);
  a.deallocate(p + 8, 92, 8);
  const frys::memory_violation v = only();
  CHECK(v.kind == violation::interior);
  CHECK(v.memory == p);
  CHECK(v.offset == 8);
  CHECK(a.owns(p));
  CHECK(p[99] == 7);
  a.deallocate(p, 100, 16);
  CHECK_FALSE(a.owns(p));
  a.deallocate(p, 100, 16);
  CHECK(only().kind == violation::double_free);
  p = static_cast<char*>(*a.allocate(100));
  a.deallocate(p, 99, 16);
  const frys::memory_violation w = only();
  CHECK(w.kind == violation::wrong_size);
  CHECK(w.given == 99);
  CHECK_FALSE(a.owns(p));  // it is freed, with the right size
  p = static_cast<char*>(*a.allocate(100, 64));
  a.deallocate(p, 100, 32);
  CHECK(only().kind == violation::wrong_alignment);
  a.flush();
  CHECK(a.quarantined() == 0);
  a.deallocate(p, 100, 64);  // long gone
  CHECK(only().kind == violation::foreign);
}

TEST_CASE("hardened: check says whether a range lies in a block") {
  recorder::all.clear();
  hardened<system_allocator, recorded> a;
  char* p = static_cast<char*>(*a.allocate(100));
  CHECK(a.check(p));
  CHECK(a.check(p, 100));
  CHECK(a.check(p + 50, 50));
  CHECK(recorder::all.empty());
  CHECK_FALSE(a.check(p, 101));
  CHECK(only().kind == violation::out_of_bounds);
  CHECK_FALSE(a.check(p + 50, 51));
  CHECK(only().kind == violation::out_of_bounds);
  CHECK_FALSE(a.check(&a, 1));
  CHECK(only().memory == &a);
  scribble(p, 100);
  CHECK_FALSE(a.check(p, 1));
  CHECK(only().kind == violation::overflow);
  scribble(p, 100);
  a.deallocate(p, 100, 16);
  CHECK_FALSE(a.check(p, 1));
  CHECK(only().kind == violation::use_after_free);
}

TEST_CASE("hardened: what is still out at its end is looked at once more") {
  recorder::all.clear();
  frys::arena<> memory;
  {
    hardened<frys::allocator_ref<frys::arena<>>, recorded> a(memory);
    void* p = *a.allocate(10);
    scribble(p, 12);
  }
  CHECK(only().kind == violation::overflow);
}

TEST_CASE("hardened: the quarantine keeps its bounds, and goes before an allocation is refused") {
  recorder::all.clear();
  frys::limited<system_allocator> counted(10'000);
  hardened<frys::allocator_ref<decltype(counted)>, recorded, policy::quarantine<10, 5000>> a(counted);
  for (int i = 0; i < 30; ++i) a.deallocate(*a.allocate(100), 100, 16);
  CHECK(a.quarantined() == 10);
  a.deallocate(*a.allocate(4500), 4500, 16);
  CHECK(a.quarantined() == 6);
  a.deallocate(*a.allocate(6000), 6000, 16);  // larger than all of it: goes at once, and what was there is in its way
  auto p = a.allocate(9000);
  REQUIRE(p);
  CHECK(a.quarantined() == 0);
  CHECK(a.allocate(9000).error() == frys::errc::limit_exceeded);
  a.deallocate(*p, 9000, 16);
  CHECK(counted.used() == 0);
  hardened<system_allocator, recorded, policy::quarantine<0>> none;
  none.deallocate(*none.allocate(10), 10, 16);
  CHECK(none.quarantined() == 0);
  CHECK(recorder::all.empty());
}

TEST_CASE("hardened: freed blocks are poisoned, and the bytes around a block are") {
  hardened<system_allocator, recorded> a;
  char* p = static_cast<char*>(*a.allocate(24));
  CHECK_FALSE(frys::is_poisoned(p));
  CHECK_FALSE(frys::is_poisoned(p + 23));
  CHECK(frys::is_poisoned(p + 24) == (FRYS_ASAN != 0));
  CHECK(frys::is_poisoned(p - 1) == (FRYS_ASAN != 0));
  a.deallocate(p, 24, 16);
  CHECK(frys::is_poisoned(p) == (FRYS_ASAN != 0));
  frys::unpoison(p, 24);
  CHECK(static_cast<unsigned char>(p[3]) == decltype(a)::freed_byte);
}

TEST_CASE("hardened: where its table gets no pages it refuses, and loses nothing") {
  using pages = counting_pages<43>;
  frys::limited<system_allocator> counted(1 << 20);
  {
    hardened<frys::allocator_ref<decltype(counted)>, recorded, policy::pages<pages>> a(counted);
    pages::refuses = true;
    CHECK(a.allocate(10).error() == frys::errc::out_of_memory);
    CHECK(counted.used() == 0);
    pages::refuses = false;
    CHECK(a.allocate(~std::size_t{0}).error() == frys::errc::out_of_memory);
    CHECK(a.allocate(1, std::size_t{1} << 63).error() == frys::errc::out_of_memory);
    void* p = *a.allocate(10);
    a.deallocate(p, 10, 16);
  }
  CHECK(pages::held == 0);
  CHECK(counted.used() == 0);
}

TEST_CASE("hardened: the message names the mistake, the block and who took it") {
  std::string text;
  frys::detail::write_violation({violation::overflow, nullptr, 24, 26, 0, {"parser", "a.cpp", 7}},
                                [&text](std::string_view t) { text += t; });
  CHECK(text == "frys: overflow: block 0x0 of 24 bytes, at byte 26, taken at a.cpp:7, tag parser\n");
  text.clear();
  frys::detail::write_violation({violation::wrong_size, nullptr, 24, 0, 23, {"", "", 0}},
                                [&text](std::string_view t) { text += t; });
  CHECK(text == "frys: wrong size: block 0x0 of 24 bytes, given back with 23\n");
  text.clear();
  frys::detail::write_violation({violation::underflow, nullptr, 24, -3, 0, {"", "", 0}},
                                [&text](std::string_view t) { text += t; });
  CHECK(text == "frys: underflow: block 0x0 of 24 bytes, at byte -3\n");
}

TEST_CASE("hardened: with policy::atomics threads share one") {
  recorder::all.clear();
  hardened<system_allocator, recorded, policy::atomics<frys::atomics::standard>> a;
  const auto work = [&a] {
    std::vector<void*> mine;
    for (int i = 0; i < 1000; ++i) {
      mine.push_back(*a.allocate(40));
      std::memset(mine.back(), i, 40);
      if (i % 3 == 0) a.deallocate(mine.back(), 40, 16), mine.pop_back();
    }
    for (void* p : mine) a.deallocate(p, 40, 16);
  };
  std::thread other(work);
  work();
  other.join();
  CHECK(a.live_count() == 0);
  CHECK(recorder::all.empty());
}
