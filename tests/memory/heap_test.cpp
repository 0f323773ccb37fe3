#include <frys/memory/heap.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

#if FRYS_OS_LINUX
#include <sys/mman.h>
#endif

namespace {

using counted = counting_pages<60>;
using small_heap = frys::heap<frys::policy::pages<counted>, frys::policy::chunk_size<64 * 1024>>;
using wide_heap = frys::heap<frys::policy::pages<counted>, frys::policy::chunk_size<1024 * 1024>>;

// The fast path of a heap is inlined into each test otherwise; these keep the units short to compile.
template <class Cache>
FRYS_NOINLINE std::byte* take(Cache& c, std::size_t size, std::size_t alignment = 16) {
  frys::result<void*> p = c.allocate(size, alignment);
  REQUIRE(p);
  return static_cast<std::byte*>(*p);
}
bool aligned(const void* p, std::size_t alignment) { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }

struct block {
  std::byte* at = nullptr;
  std::size_t size = 0;
  std::byte pattern{};
};
void fill(const block& b) { std::memset(b.at, static_cast<int>(b.pattern), b.size); }
bool intact(const block& b) {
  return std::all_of(b.at, b.at + b.size, [&](std::byte x) { return x == b.pattern; });
}

// A size of one of the kinds that a heap of chunks of `chunk` bytes tells apart.
std::size_t any_size(std::mt19937& random, std::size_t chunk) {
  const auto kind = random() % 100;
  if (kind < 60) return random() % 256;
  if (kind < 85) return random() % 8192;
  if (kind < 97) return random() % (chunk / 8);
  if (kind < 99) return random() % (chunk / 2);
  return random() % (chunk * 2);
}

template <class Heap>
void crowd(std::uint32_t seed, int steps) {
  Heap h;
  {
    auto c = *h.join();
    std::mt19937 random(seed);
    std::vector<block> live;
    std::size_t wrong = 0;
    for (int i = 0; i < steps; ++i) {
      if (live.size() < 300 && random() % 5 < 3) {
        const std::size_t alignment = std::size_t{1} << (random() % 8 != 0 ? random() % 5 : random() % 16);
        block b{nullptr, any_size(random, Heap::chunk_size), std::byte(random())};
        b.at = take(c, b.size, alignment);
        if (!aligned(b.at, alignment) || c.usable_size(b.at) < b.size) ++wrong;
        fill(b);
        live.push_back(b);
      } else if (!live.empty()) {
        block& b = live[random() % live.size()];
        if (!intact(b)) ++wrong;
        if (random() % 8 == 0) {
          const std::size_t size = any_size(random, Heap::chunk_size);
          frys::result<void*> other = c.reallocate(b.at, size);
          REQUIRE(other);
          b.at = static_cast<std::byte*>(*other);
          b.size = (std::min)(b.size, size);
          if (!intact(b)) ++wrong;
          b.size = size;
          fill(b);
        } else {
          c.deallocate(b.at);
          b = live.back();
          live.pop_back();
        }
      }
      if (random() % 200 == 0) c.collect();
    }
    for (const block& b : live) {
      if (!intact(b)) ++wrong;
      c.deallocate(b.at, b.size, 1);
    }
    CHECK(wrong == 0);
    c.collect();
    CHECK(h.stats().in_use == 0);
    CHECK(h.stats().caches == 1);
    CHECK(h.stats().parked == 0);
  }
  CHECK(h.stats().parked == 1);
}

struct refusing_late {
  inline static int left = 0;
  static frys::result<frys::byte_span> allocate(std::size_t size) {
    if (left-- <= 0) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused by the test", 7};
    return frys::heap_pages::allocate(size);
  }
  static void release(frys::byte_span memory) noexcept { frys::heap_pages::release(memory); }
};

}  // namespace

TEST_CASE("heap: blocks of all sizes and alignments are apart, aligned, and keep what is in them") {
  crowd<small_heap>(1, 3'000);
  crowd<wide_heap>(2, 2'000);
  crowd<frys::heap<>>(3, 500);
  CHECK(counted::held == 0);
}

TEST_CASE("heap: takes nothing before it is asked, and is usable before any constructor has run") {
  static constinit frys::heap<frys::policy::pages<counted>> early;
  CHECK(counted::held == 0);
  CHECK(early.stats().reserved == 0);
  CHECK(early.stats().caches == 0);
}

TEST_CASE("heap: size 0 answers a block like others") {
  small_heap h;
  auto c = *h.join();
  void* const a = take(c, 0);
  void* const b = take(c, 0, 4096);
  CHECK(a != b);
  CHECK(aligned(b, 4096));
  c.deallocate(a, 0);
  c.deallocate(b, 0, 4096);
}

TEST_CASE("heap: a refusal says why, loses nothing, and goes away with its cause") {
  {
    small_heap h;
    counted::refuses = true;
    const auto none = h.join();
    counted::refuses = false;
    REQUIRE(!none);
    CHECK(none.error().code == frys::errc::out_of_memory);
    auto c = *h.join();
    counted::refuses = true;
    for (const std::size_t size : {std::size_t{1}, std::size_t{5000}, std::size_t{30'000}, std::size_t{1} << 20}) {
      const auto p = c.allocate(size);
      REQUIRE(!p);
      CHECK(p.error().code == frys::errc::out_of_memory);
      CHECK(c.try_allocate(size) == nullptr);
    }
    counted::refuses = false;
    block b{take(c, 100), 100, std::byte{5}};
    fill(b);
    counted::refuses = true;
    CHECK(!c.reallocate(b.at, 1 << 20));
    CHECK(intact(b));
    counted::refuses = false;
    c.deallocate(b.at);

    const auto odd = c.allocate(1, small_heap::most_alignment * 2);
    REQUIRE(!odd);
    CHECK(odd.error().code == frys::errc::invalid_argument);
    CHECK(odd.error().number == small_heap::most_alignment);
    c.deallocate(take(c, 1, small_heap::most_alignment));
    const auto absurd = c.allocate(~std::size_t{0} - 100);
    REQUIRE(!absurd);
    CHECK(absurd.error().code == frys::errc::out_of_memory);
    const auto large = c.allocate(static_cast<std::size_t>(PTRDIFF_MAX) - 100'000, 64);
    CHECK(!large);
  }
  CHECK(counted::held == 0);
}

TEST_CASE("heap: each allocation that the page source can refuse may be the one, and nothing is lost by it") {
  using heap = frys::heap<frys::policy::pages<refusing_late>, frys::policy::chunk_size<64 * 1024>>;
  bool all = false;
  for (int allowed = 0; !all; ++allowed) {
    refusing_late::left = allowed;
    heap h;
    auto c = h.join();
    if (!c) continue;
    std::vector<block> live;
    all = true;
    for (const std::size_t size : {64u, 1000u, 8000u, 30'000u, 50'000u, 200'000u, 16u, 100'000u}) {
      frys::result<void*> p = c->allocate(size);
      all = all && p;
      if (!p) continue;
      live.push_back({static_cast<std::byte*>(*p), size, std::byte(size)});
      fill(live.back());
    }
    for (const block& b : live) CHECK(intact(b));
    for (const block& b : live) c->deallocate(b.at);
    c->collect();
    CHECK(h.stats().in_use == 0);
    REQUIRE(allowed < 100);
  }
}

TEST_CASE("heap: policy::limit refuses beyond it, and memory that came back counts no more") {
  using heap =
      frys::heap<frys::policy::pages<counted>, frys::policy::chunk_size<64 * 1024>, frys::policy::limit<256 * 1024>>;
  {
    heap h;
    auto c = *h.join();
    std::vector<void*> all;
    frys::result<void*> p = c.allocate(1000);
    for (; p; p = c.allocate(1000)) all.push_back(*p);
    CHECK(p.error().code == frys::errc::limit_exceeded);
    CHECK(h.stats().reserved <= heap::limit);
    CHECK(all.size() > 180);
    CHECK(!c.allocate(300'000));
    for (void* q : all) c.deallocate(q);
    c.collect();
    h.collect();
    void* const large = take(c, 150'000);
    c.deallocate(large);
    CHECK(h.stats().reserved <= heap::limit);
  }
  CHECK(counted::held == 0);
}

TEST_CASE("heap: the block freed last is handed out first") {
  small_heap h;
  auto c = *h.join();
  void* const a = take(c, 100);
  void* const b = take(c, 100);
  c.deallocate(a);
  c.deallocate(b);
  CHECK(take(c, 100) == b);
  CHECK(take(c, 100) == a);
}

TEST_CASE("heap: what is free goes back: chunks without blocks, and pages inside of slabs") {
  wide_heap h;
  auto c = *h.join();
  std::vector<void*> all;
  for (int i = 0; i < 200'000; ++i) all.push_back(take(c, 64));
  const std::size_t full = h.stats().reserved;
  CHECK(full >= 200'000 * 64);
  for (void* p : all) c.deallocate(p);
  c.collect();
  h.collect();
  CHECK(h.stats().in_use == 0);
  CHECK(h.stats().reserved <= 2 * wide_heap::chunk_size);  // one is kept
}

#if FRYS_OS_LINUX
TEST_CASE("heap: after most blocks were freed at random, the pages between those that live go back") {
  using heap = frys::heap<>;
  heap h;
  auto c = *h.join();
  std::vector<block> all;
  for (std::size_t i = 0; i < 100'000; ++i) {
    all.push_back({take(c, 64), 64, std::byte(i)});
    fill(all.back());
  }
  std::mt19937 random(4);
  std::shuffle(all.begin(), all.end(), random);
  const std::vector<block> live(all.data(), all.data() + 1000);
  for (std::size_t i = live.size(); i < all.size(); ++i) c.deallocate(all[i].at);
  const auto resident = [&] {
    std::size_t pages = 0;
    for (const block& b : all) {  // each of its pages counts once for each block that begins on it
      unsigned char in = 0;
      std::byte* const page = b.at - reinterpret_cast<std::uintptr_t>(b.at) % frys::page_size;
      REQUIRE(::mincore(page, frys::page_size, &in) == 0);
      pages += std::size_t{in} & 1;
    }
    return pages;
  };
  const std::size_t before = resident();
  c.collect();
  const std::size_t after = resident();
  CHECK(before == all.size());
  CHECK(after < before * 6 / 10);  // 0.99^64 of the pages have no block that lives
  std::size_t wrong = 0;
  for (const block& b : live) wrong += intact(b) ? 0u : 1u;
  CHECK(wrong == 0);
  // The memory of the pages that went is used again.
  std::vector<block> again;
  for (std::size_t i = 0; i < 99'000; ++i) {
    again.push_back({take(c, 64), 64, std::byte(i)});
    fill(again.back());
  }
  for (const block& b : again) wrong += intact(b) ? 0u : 1u;
  for (const block& b : live) wrong += intact(b) ? 0u : 1u;
  CHECK(wrong == 0);
}
#endif

TEST_CASE("heap: a cache that is left is taken over with its memory, and what it still has out stays good") {
  small_heap h;
  block b{nullptr, 1000, std::byte{9}};
  {
    auto c = *h.join();
    b.at = take(c, b.size);
    fill(b);
  }
  CHECK(h.stats().parked == 1);
  auto c = *h.join();
  CHECK(h.stats().caches == 1);
  auto other = *h.join();
  CHECK(h.stats().caches == 2);
  CHECK(intact(b));
  other.deallocate(b.at);
  other.leave();
  c.collect();
  CHECK(h.stats().in_use == 0);
  auto moved = std::move(c);
  CHECK(!c);
  CHECK(moved);
  moved = *h.join();
  CHECK(h.stats().caches == 2);
}

TEST_CASE("heap: what is freed for a cache that nobody has goes back without waiting for its next thread") {
  wide_heap h;
  std::vector<void*> all;
  {
    auto c = *h.join();
    for (int i = 0; i < 20'000; ++i) all.push_back(take(c, 200));
    all.push_back(take(c, 400'000));
    all.push_back(take(c, 3'000'000));
    // Another one is joined, so that the first is not taken over.
    auto other = *h.join();
    c.leave();
    for (void* p : all) other.deallocate(p);
    other.collect();
    CHECK(h.stats().in_use == 0);
    h.collect();
    CHECK(h.stats().reserved <= 2 * wide_heap::chunk_size);
  }
}

TEST_CASE("heap: create and destroy run what they shall") {
  small_heap h;
  auto c = *h.join();
  auto s = c.create<std::string>("a text that is longer than a string holds inside");
  REQUIRE(s);
  CHECK((*s)->size() == 48);
  c.destroy(*s);
#if FRYS_EXCEPTIONS
  struct throws {
    throws() { throw 1; }
  };
  CHECK_THROWS((void)c.create<throws>());
  c.collect();
  CHECK(h.stats().in_use == 0);
#endif
}

TEST_CASE("heap: deallocate_own takes what this cache gave") {
  small_heap h;
  auto c = *h.join();
  std::vector<block> all;
  for (std::size_t n = 0; n < 9000; n += 37) all.push_back({take(c, n), n, std::byte(n)});
  for (const block& b : all) fill(b);
  for (const block& b : all) {
    CHECK(intact(b));
    c.deallocate_own(b.at, b.size);
  }
  c.collect();
  CHECK(h.stats().in_use == 0);
}

TEST_CASE("heap: the heap's end gives back what is still out") {
  {
    small_heap h;
    auto c = *h.join();
    (void)take(c, 100);
    (void)take(c, 30'000);
    (void)take(c, 1'000'000);
  }
  CHECK(counted::held == 0);
}

TEST_CASE("heap: three threads free each other's blocks, come and go, and all comes back") {
  wide_heap h;
  std::atomic<std::size_t> wrong{0};
  struct mailbox {
    std::atomic<block*> in{nullptr};
  };
  mailbox boxes[3];
  const auto work = [&](std::uint32_t self) {
    std::mt19937 random(self);
    for (int life = 0; life < 4; ++life) {
      auto c = *h.join();
      const auto read = [&](block* b) {
        if (!intact(*b)) ++wrong;
        c.deallocate(b->at);
        c.deallocate(b);
      };
      for (int i = 0; i < 1'000; ++i) {
        auto* b = static_cast<block*>(c.try_allocate(sizeof(block)));
        ::new (static_cast<void*>(b))
            block{nullptr, random() % 50 == 0 ? random() % 200'000 : random() % 600, std::byte(random())};
        b->at = static_cast<std::byte*>(c.try_allocate(b->size));
        fill(*b);
        if (block* const old = boxes[random() % 3].in.exchange(b)) read(old);
        if (random() % 300 == 0) h.collect();
      }
    }
  };
  {
    std::thread one([&] { work(1); }), two([&] { work(2); });
    work(3);
    one.join();
    two.join();
  }
  auto c = *h.join();
  for (mailbox& m : boxes)
    if (block* const b = m.in.load()) {
      if (!intact(*b)) ++wrong;
      c.deallocate(b->at);
      c.deallocate(b);
    }
  c.leave();
  h.collect();
  CHECK(wrong == 0);
  CHECK(h.stats().in_use == 0);
  CHECK(h.stats().parked == h.stats().caches);
}

#if FRYS_ASAN
TEST_CASE("heap: AddressSanitizer knows what is free") {
  small_heap h;
  auto c = *h.join();
  auto* p = take(c, 100);
  CHECK(!frys::is_poisoned(p));
  CHECK(!frys::is_poisoned(p + 99));
  c.deallocate(p);
  CHECK(frys::is_poisoned(p));
  CHECK(frys::is_poisoned(p + 99));
}
#endif
