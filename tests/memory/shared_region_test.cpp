#include <frys/memory/shared_region.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "counting_pages.hpp"
#include "region_abuse.hpp"

#if FRYS_OS_LINUX
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using frys::byte_span;
using frys::errc;
using region_type = frys::shared_region<>;

// Memory of one process, zeroed, a page's alignment, and nothing usable on either side of it.
struct page_memory {
  explicit page_memory(std::size_t size)
      : bytes(size), at(static_cast<std::byte*>(::operator new (size, std::align_val_t{4096}))) {
    std::memset(at, 0, size);
  }
  page_memory(const page_memory&) = delete;
  page_memory& operator=(const page_memory&) = delete;
  ~page_memory() { ::operator delete (at, std::align_val_t{4096}); }
  byte_span span() const { return {at, bytes}; }
  std::size_t bytes;
  std::byte* at;
};

template <class T>
errc refusal(const frys::result<T>& r) {
  REQUIRE_FALSE(r);
  return r.error().code;
}

struct random_numbers {
  std::uint64_t state;
  std::uint64_t operator()(std::uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % below;
  }
};

bool long_run() {
  const char* const text = std::getenv("FRYS_LONG");
  return text != nullptr && std::string_view(text) == "1";
}

// A user's own source of shared memory: names in a map, handles are numbers. For one process.
struct own_mapping_source {
  using handle = long;
  struct mapping {
    std::shared_ptr<page_memory> memory;
    handle number = 0;
    byte_span bytes() const { return memory == nullptr ? byte_span() : memory->span(); }
    handle shared_handle() const { return number; }
    bool is_sealed() const { return true; }
  };
  inline static std::map<std::string, mapping, std::less<>> names;
  inline static std::vector<mapping> all;
  inline static bool refuses = false;

  static frys::result<mapping> create(std::size_t size) {
    if (refuses) return frys::error{errc::out_of_memory, frys::domain::user, "refused by the test", 0};
    all.push_back({std::make_shared<page_memory>(size), static_cast<handle>(all.size())});
    return all.back();
  }
  static frys::result<mapping> create(std::string_view name, std::size_t size) {
    auto made = create(size);
    if (made) names.emplace(name, *made);
    return made;
  }
  static frys::result<mapping> open(std::string_view name) {
    const auto found = names.find(name);
    if (found == names.end()) return frys::error{errc::not_found, frys::domain::user, "no such name", 0};
    return found->second;
  }
  static frys::result<mapping> open(handle number) { return all.at(static_cast<std::size_t>(number)); }
  static frys::result<void> remove(std::string_view name) {
    names.erase(names.find(name));
    return {};
  }
};
static_assert(frys::shared_memory_source<own_mapping_source>);
static_assert(frys::owning_allocator<region_type>);

}  // namespace

TEST_CASE("shared_region: a size class holds what was asked for, wastes a quarter at most, and is found again") {
  using classes = frys::detail::region_classes;
  const auto looks_right = [](std::uint64_t g) {
    const classes c = classes::holding(g);
    REQUIRE(c.granules >= g);
    REQUIRE((c.granules - g) * 4 <= c.granules);
    REQUIRE(c.list < classes::plain);
    REQUIRE(classes::number(c.list).granules == c.granules);
    REQUIRE(classes::number(c.list).list == c.list);
    const classes w = classes::within(g);
    REQUIRE(w.granules <= g);
    REQUIRE(classes::number(w.list).granules == w.granules);
    REQUIRE((g - w.granules) * 4 <= g);
  };
  for (std::uint64_t g = 1; g < 5000; ++g) looks_right(g);
  for (unsigned bit = 12; bit < 32; ++bit)
    for (const std::uint64_t g :
         {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit, (std::uint64_t{1} << bit) + 1})
      looks_right(g);
  looks_right(0xffff'ffff);
  for (std::size_t list = 0; list < classes::count; ++list) CHECK(classes::number(list).list == list);
  for (std::size_t alignment = 32; alignment <= 4096; alignment *= 2)
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, alignment, alignment + 1, std::size_t{100'000}}) {
      const classes c = classes::of(size, alignment);
      CHECK(c.granules * 16 >= size);
      CHECK(c.alignment * 16 >= alignment);
      CHECK(c.list >= classes::plain);
    }
}

TEST_CASE("shared_region: blocks are apart, aligned, inside, and come back to who asks next") {
  page_memory memory(256 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  random_numbers dice{7};
  struct held {
    void* at;
    std::size_t size, alignment;
    unsigned char mark;
  };
  std::vector<held> all;
  for (int i = 0; i < 20'000; ++i) {
    if (all.size() < 40 && dice(2) == 0) {
      const auto size = static_cast<std::size_t>(dice(1u << dice(12)));
      const std::size_t alignment = std::size_t{1} << dice(13);
      auto got = region->allocate(size, alignment);
      if (!got) {
        CHECK(got.error() == errc::out_of_memory);
        continue;
      }
      REQUIRE(reinterpret_cast<std::uintptr_t>(*got) % alignment == 0);
      REQUIRE(region->owns(*got));
      REQUIRE(static_cast<std::byte*>(*got) + size <= memory.at + memory.bytes);
      const auto mark = static_cast<unsigned char>(dice(256));
      std::memset(*got, mark, size);
      all.push_back({*got, size, alignment, mark});
    } else if (!all.empty()) {
      const std::size_t which = static_cast<std::size_t>(dice(all.size()));
      const held h = all[which];
      for (std::size_t b = 0; b < h.size; ++b) REQUIRE(static_cast<unsigned char*>(h.at)[b] == h.mark);
      region->deallocate(h.at, h.size, h.alignment);
      all[which] = all.back();
      all.pop_back();
    }
  }
  auto one = region->allocate(100);
  REQUIRE(one);
  region->deallocate(*one, 100);
  CHECK(*region->allocate(97) == *one);  // of the same class
  CHECK(*region->allocate(0) != nullptr);
  CHECK_FALSE(region->owns(&memory));
  CHECK_FALSE(region->owns(memory.at + memory.bytes));
}

TEST_CASE("shared_region: what cannot be had is an error") {
  page_memory memory(64 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  const auto huge = region->allocate(64 * 1024);
  CHECK(refusal(huge) == errc::out_of_memory);
  CHECK(huge.error().number == 64 * 1024);
  CHECK(refusal(region->allocate(~std::size_t{0})) == errc::out_of_memory);
  const auto crooked = region->allocate(16, 8192);
  CHECK(refusal(crooked) == errc::invalid_argument);
  CHECK(crooked.error().number == 4096);
}

TEST_CASE("shared_region: a full region refuses, and goes on when something came back; larger blocks are cut") {
  page_memory memory(64 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  std::vector<void*> all;
  for (;;) {
    auto got = region->allocate(1000);
    if (!got) {
      CHECK(got.error() == errc::out_of_memory);
      break;
    }
    all.push_back(*got);
  }
  CHECK(all.size() > 55);
  // Small ones fill what is left, then nothing is.
  std::size_t tiny = 0;
  while (region->allocate(16)) ++tiny;
  CHECK(tiny * 16 < 1024);
  CHECK(region->untouched() == 0);
  region->deallocate(all.back(), 1000);
  std::set<void*> parts;
  while (auto got = region->allocate(16)) parts.insert(*got);  // 1024 bytes are 64 times 16
  CHECK(parts.size() == 64);
  for (void* p : parts) {
    CHECK(p >= all.back());
    CHECK(p < static_cast<std::byte*>(all.back()) + 1024);
  }
  region->deallocate(all[0], 1000);
  auto aligned = region->allocate(256, 256);  // cut out of its middle
  REQUIRE(aligned);
  CHECK(reinterpret_cast<std::uintptr_t>(*aligned) % 256 == 0);
  region->deallocate(*aligned, 256, 256);
  CHECK(*region->allocate(256, 256) == *aligned);
}

TEST_CASE("shared_region: join makes large blocks of small ones that are free, and of nothing else") {
  page_memory memory(64 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  std::vector<void*> all;
  while (auto got = region->allocate(16)) all.push_back(*got);
  CHECK(*region->join() == 0);
  void* const kept = all[1000];
  std::memset(kept, 7, 16);
  for (void* p : all)
    if (p != kept) region->deallocate(p, 16);
  CHECK(refusal(region->allocate(20'000)) == errc::out_of_memory);
  auto longest = region->join();
  REQUIRE(longest);
  CHECK(*longest == (all.size() - 1001) * 16);
  auto large = region->allocate(20'000);
  REQUIRE(large);
  std::memset(*large, 1, 20'000);
  CHECK(*static_cast<unsigned char*>(kept) == 7);
  CHECK(region->allocate(8192, 4096));
  region->deallocate(*large, 20'000);
  std::size_t count = 0;  // nothing was lost: all that is free can be had
  while (region->allocate(16)) ++count;
  CHECK(count == all.size() - 1 - 8192 / 16);
}

TEST_CASE("shared_region: join without memory for its notes changes nothing; one list that makes no sense is dropped") {
  using pages = counting_pages<61>;
  using region_of_pages = frys::shared_region<frys::policy::pages<pages>>;
  page_memory memory(64 * 1024);
  auto region = region_of_pages::create(memory.span());
  REQUIRE(region);
  void* const a = *region->allocate(16);
  void* const b = *region->allocate(16);
  void* const c = *region->allocate(16);
  region->deallocate(a, 16);
  region->deallocate(b, 16);
  pages::refuses = true;
  CHECK(refusal(region->join()) == errc::out_of_memory);
  pages::refuses = false;
  CHECK(*region->allocate(16) == b);
  region->deallocate(b, 16);
  CHECK(*region->join() == 32);
  CHECK(pages::held == 0);
  CHECK(*region->allocate(32) == a);
  region->deallocate(c, 16);
  const auto self = static_cast<std::uint32_t>((static_cast<std::byte*>(c) - memory.at) / 16);
  std::memcpy(c, &self, 4);  // it follows itself
  CHECK(refusal(region->join()) == errc::corrupt);
  CHECK(pages::held == 0);
  CHECK(*region->join() == 16);
}

TEST_CASE("shared_region: a name finds what was put there, until it is removed; it may be put again") {
  page_memory memory(64 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  auto block = region->allocate(100);
  REQUIRE(block);
  CHECK(refusal(region->find("config")) == errc::not_found);
  CHECK(region->put("config", *block, 100));
  CHECK(refusal(region->put("config", *block, 100)) == errc::already_exists);
  auto other = region_type::attach(memory.span());
  REQUIRE(other);
  auto found = other->find("config");
  REQUIRE(found);
  CHECK(found->data() == *block);
  CHECK(found->size() == 100);
  CHECK(other->put(std::string(48, 'x'), *block, 0));
  CHECK(region->find(std::string(48, 'x'))->empty());

  auto removed = other->remove("config");
  REQUIRE(removed);
  CHECK(removed->data() == *block);
  CHECK(refusal(region->find("config")) == errc::not_found);
  CHECK(refusal(region->remove("config")) == errc::not_found);
  CHECK(region->put("config", *block, 50));
  CHECK(other->find("config")->size() == 50);
}

TEST_CASE("shared_region: put refuses names and objects that cannot be") {
  page_memory memory(64 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  auto block = region->allocate(100);
  REQUIRE(block);
  CHECK(refusal(region->put("", *block, 1)) == errc::invalid_argument);
  CHECK(refusal(region->put(std::string(49, 'x'), *block, 1)) == errc::invalid_argument);
  CHECK(refusal(region->find("")) == errc::invalid_argument);
  CHECK(refusal(region->put("a", &memory, 1)) == errc::invalid_argument);
  CHECK(refusal(region->put("a", memory.at, 1)) == errc::invalid_argument);  // the head
  CHECK(refusal(region->put("a", static_cast<std::byte*>(*block) + 1, 1)) == errc::invalid_argument);
  CHECK(refusal(region->put("a", *block, 64 * 1024)) == errc::invalid_argument);
  for (std::size_t i = 0; i < region_type::most_names; ++i)
    REQUIRE(region->put("name" + std::to_string(i), *block, i + 1));
  const auto beyond = region->put("one more", *block, 1);
  CHECK(refusal(beyond) == errc::limit_exceeded);
  CHECK(beyond.error().number == static_cast<std::int64_t>(region_type::most_names));
  CHECK(region->find("name0")->size() == 1);
  CHECK(refusal(region->put("name7", *block, 1)) == errc::already_exists);
}

TEST_CASE("shared_region: without memory for a record, a put and a make fail and change nothing") {
  page_memory memory(8192);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  auto block = region->allocate(16);
  REQUIRE(block);
  std::vector<void*> all;
  while (auto got = region->allocate(16)) all.push_back(*got);
  CHECK(refusal(region->put("a", *block, 16)) == errc::out_of_memory);
  CHECK(refusal(region->make<int>("a", 1)) == errc::out_of_memory);
  region->deallocate(all.back(), 16);
  CHECK(refusal(region->make<int>("a", 1)) == errc::out_of_memory);  // the int, but no record
  CHECK(refusal(region->find("a")) == errc::not_found);
  CHECK(*region->allocate(16) == all.back());  // it came back
}

TEST_CASE("shared_region: make puts an object under a name, and find knows its size") {
  page_memory memory(64 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  struct point {
    int x, y;
    constexpr point(int a, int b) noexcept : x(a), y(b) {}
  };
  auto made = region->make<point>("origin", 3, 4);
  REQUIRE(made);
  const std::size_t left = region->untouched();
  CHECK(refusal(region->make<point>("origin", 5, 6)) == errc::already_exists);
  CHECK(refusal(region->make<point>("origin", 5, 6)) == errc::already_exists);
  CHECK(left - region->untouched() <= 16);  // the second one took what the first gave back
  auto found = region->find<point>("origin");
  REQUIRE(found);
  CHECK(*found == *made);
  CHECK((*found)->y == 4);
  const auto other = region->find<std::array<int, 3>>("origin");
  CHECK(refusal(other) == errc::version_mismatch);
  CHECK(other.error().number == 8);
  struct alignas(64) wide {
    int x = 1;
  };
  CHECK(reinterpret_cast<std::uintptr_t>(*region->make<wide>("wide")) % 64 == 0);
}

TEST_CASE("shared_region: pointers into it are offsets, checked at each use") {
  page_memory memory(64 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  auto* numbers = static_cast<std::uint64_t*>(*region->allocate(10 * sizeof(std::uint64_t)));
  const auto p = region->pointer_to(numbers);
  CHECK_FALSE(p.is_null());
  CHECK(*region->get(p) == numbers);
  CHECK(region->get(frys::region_span<std::uint64_t>{p, 10})->size() == 10);
  CHECK(region->pointer_to(&memory.bytes).is_null());

  using number = frys::region_ptr<std::uint64_t>;
  CHECK(refusal(region->get(number{})) == errc::not_found);
  const auto head = region->get(number{64});
  CHECK(refusal(head) == errc::corrupt);
  CHECK(head.error().number == 64);
  CHECK(refusal(region->get(number{p.offset + 4})) == errc::corrupt);  // crooked
  CHECK(*region->get(number{64 * 1024 - 8}) != nullptr);
  CHECK(refusal(region->get(number{64 * 1024})) == errc::corrupt);
  CHECK(refusal(region->get(number{~std::uint64_t{7}})) == errc::corrupt);
  using span = frys::region_span<std::uint64_t>;
  CHECK(refusal(region->get(span{number{64 * 1024 - 16}, 3})) == errc::corrupt);
  CHECK(region->get(span{number{64 * 1024 - 16}, 2})->size() == 2);
  CHECK(refusal(region->get(span{p, ~std::uint64_t{0}})) == errc::corrupt);
  CHECK(refusal(region->get(span{p, std::uint64_t{1} << 61})) == errc::corrupt);
}

TEST_CASE("shared_region: memory that is no region, or not this one, is refused") {
  page_memory memory(64 * 1024);
  CHECK(refusal(region_type::attach(memory.span())) == errc::not_found);
  const auto tiny = region_type::create(memory.span().first(1024));
  CHECK(refusal(tiny) == errc::invalid_argument);
  CHECK(tiny.error().number > 1024);
  const auto crooked = region_type::create(memory.span().subspan(64));
  CHECK(refusal(crooked) == errc::invalid_argument);
  CHECK(crooked.error().number == 4096);
  REQUIRE(region_type::create(memory.span()));
  CHECK(refusal(region_type::create(memory.span())) == errc::already_exists);
  CHECK(region_type::attach(memory.span())->bytes().size() == 64 * 1024);
  const auto cut = region_type::attach(memory.span().first(32 * 1024));
  CHECK(refusal(cut) == errc::truncated);
  CHECK(cut.error().number == 32 * 1024);

  std::uint64_t* const words = reinterpret_cast<std::uint64_t*>(memory.at);
  words[2] = 100;  // its size
  CHECK(refusal(region_type::attach(memory.span())) == errc::corrupt);
  words[2] = 64 * 1024;
  words[1] = 7;  // the layout
  const auto newer = region_type::attach(memory.span());
  CHECK(refusal(newer) == errc::version_mismatch);
  CHECK(newer.error().number == 7);
  words[0] ^= 1;
  CHECK(refusal(region_type::attach(memory.span())) == errc::corrupt);
  CHECK(region_type::create(memory.span()));  // no region: the memory may be used
}

TEST_CASE("shared_region: a list or a name table that makes no sense is reported, and the region goes on") {
  page_memory memory(64 * 1024);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  auto block = region->allocate(48);
  REQUIRE(block);
  region->deallocate(*block, 48);
  // The link of a free block points out of the region: the block itself can still be had, what follows it not.
  const std::uint32_t wild = 0xffff'fff0;
  std::memcpy(*block, &wild, 4);
  CHECK(*region->allocate(48) == *block);
  const auto bad = region->allocate(48);
  CHECK(refusal(bad) == errc::corrupt);
  CHECK(bad.error().number > 0);
  CHECK(region->allocate(48));

  // A block that follows itself is handed out for ever; nothing hangs.
  region->deallocate(*block, 48);
  const auto self = static_cast<std::uint32_t>((static_cast<std::byte*>(*block) - memory.at) / 16);
  for (int i = 0; i < 100; ++i) {
    std::memcpy(*block, &self, 4);
    CHECK(*region->allocate(48) == *block);
  }

  REQUIRE(region->make<int>("one", 1));
  REQUIRE(region->make<int>("two", 2));
  std::uint64_t* const names = reinterpret_cast<std::uint64_t*>(memory.at + 72);
  auto* const newest = reinterpret_cast<std::uint32_t*>(memory.at + *names * 16);
  newest[2] = static_cast<std::uint32_t>(*names);  // a circle
  CHECK(**region->find<int>("two") == 2);
  CHECK(refusal(region->find("one")) == errc::corrupt);
  CHECK(refusal(region->make<int>("three", 3)) == errc::corrupt);
  newest[1] = 1;  // two's value: beyond 64 KiB
  newest[0] = 4095;
  CHECK(region->find("two"));
  newest[0] = 4096;
  CHECK(refusal(region->find("two")) == errc::corrupt);
  *names = 5;
  CHECK(refusal(region->find("two")) == errc::corrupt);
  std::uint64_t* const top = reinterpret_cast<std::uint64_t*>(memory.at + 64);
  *top = 1 << 20;
  CHECK(refusal(region->allocate(2000)) == errc::corrupt);
  CHECK(region->untouched() == 0);
}

TEST_CASE("shared_region: whatever lies in it, an operation answers an error or memory inside it") {
  constexpr std::size_t bytes = 32 * 1024;
  page_memory memory(bytes);
  const int rounds = long_run() ? 20'000 : 300;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    std::memset(memory.at, 0, bytes);
    auto region = region_type::create(memory.span());
    REQUIRE(region);
    random_numbers dice{static_cast<std::uint64_t>(round) * 977 + 1};
    if (round % 2 == 0) REQUIRE(region_abuse::survives(*region, dice(1000), 100));  // something is there already
    // Rubbish of several kinds, over everything: any bytes, small numbers, numbers near the end.
    for (std::size_t at = 24; at + 4 <= bytes; at += 4) {
      std::uint32_t rubbish = 0;
      switch (dice(4)) {
        case 0:
          rubbish = static_cast<std::uint32_t>(dice(~std::uint64_t{0} >> 21));
          break;
        case 1:
          rubbish = static_cast<std::uint32_t>(dice(bytes / 16));
          break;
        case 2:
          rubbish = static_cast<std::uint32_t>(bytes / 16 - dice(4));
          break;
        default:
          continue;
      }
      std::memcpy(memory.at + at, &rubbish, 4);
    }
    REQUIRE(region_abuse::survives(*region, dice(1 << 30), 300));
    auto again = region_type::attach(memory.span());
    REQUIRE(again);
    REQUIRE(region_abuse::survives(*again, dice(1 << 30), 100));
  }
}

TEST_CASE("shared_region: threads of one process share it") {
  page_memory memory(1 << 20);
  auto region = region_type::create(memory.span());
  REQUIRE(region);
  std::atomic<int> wrong{0};
  std::vector<std::thread> all;
  for (unsigned t = 0; t < 4; ++t)
    all.emplace_back([&, t] {
      random_numbers dice{t + 1};
      struct held {
        std::uint64_t* at = nullptr;
        std::size_t words = 0;
      } hand[8];
      for (int i = 0; i < 5000; ++i) {
        held& h = hand[dice(8)];
        if (h.at == nullptr) {
          h.words = 2 + static_cast<std::size_t>(dice(6));
          auto got = region->allocate(h.words * 8);
          if (!got) {
            ++wrong;
            continue;
          }
          h.at = static_cast<std::uint64_t*>(*got);
          for (std::size_t w = 0; w < h.words; ++w) h.at[w] = t;
        } else {
          for (std::size_t w = 0; w < h.words; ++w)
            if (h.at[w] != t) ++wrong;
          region->deallocate(h.at, h.words * 8);
          h.at = nullptr;
        }
      }
      for (int i = 0; i < 20; ++i)  // each name is made once, by whomever
        if (auto made = region->make<unsigned>("name" + std::to_string(i), t); made) {
          if (**region->find<unsigned>("name" + std::to_string(i)) != t) ++wrong;
        } else if (!(made.error() == errc::already_exists)) {
          ++wrong;
        }
    });
  for (auto& t : all) t.join();
  CHECK(wrong == 0);
  CHECK((1 << 20) - region->untouched() < 64 * 1024);  // blocks were used again
}

TEST_CASE("shared_region: the memory comes from policy::mapping, or from the world") {
  using own = frys::shared_region<frys::policy::mapping<own_mapping_source>>;
  struct world {
    using mapping = own_mapping_source;
  };
  using of_world = frys::shared_region<frys::policy::world<world>>;
  auto here = own::create("shared", 64 * 1024);
  REQUIRE(here);
  REQUIRE(here->make<int>("answer", 42));
  auto there = of_world::open("shared");
  REQUIRE(there);
  CHECK(**there->find<int>("answer") == 42);
  auto third = own::open(here->mapping().shared_handle());
  REQUIRE(third);
  CHECK(third->bytes().data() == here->bytes().data());
  CHECK(refusal(own::open("other")) == errc::not_found);
  own_mapping_source::refuses = true;
  CHECK(refusal(own::create(64 * 1024)) == errc::out_of_memory);
  own_mapping_source::refuses = false;
  CHECK(own_mapping_source::remove("shared"));
  own_mapping_source::all.clear();
}

#if FRYS_OS_LINUX
namespace {

#if !FRYS_TSAN
template <class F>
pid_t in_child(F f) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(f() ? 0 : 1);
  return child;
}
bool went_well(pid_t child) {
  int status = 1;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
#endif
std::string unused_name() {
  static int number = 0;
  return "frys-test-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
}

}  // namespace

TEST_CASE("shared_region: an anonymous region is opened by its descriptor, at another address") {
  auto region = region_type::create(std::size_t{100'000});
  REQUIRE(region);
  CHECK(region->bytes().size() == 102'400);
  CHECK(region->mapping().is_sealed());
  auto again = region_type::open(region->mapping().shared_handle());
  REQUIRE(again);
  CHECK(again->bytes().data() != region->bytes().data());
  REQUIRE(region->make<region_abuse::node>("first"));
  auto* second = static_cast<region_abuse::node*>(*again->allocate(sizeof(region_abuse::node)));
  *second = {};
  (*again->find<region_abuse::node>("first"))->next = again->pointer_to(second);
  auto first = region->find<region_abuse::node>("first");
  REQUIRE(first);
  auto next = region->get((*first)->next);
  REQUIRE(next);
  CHECK((*next)->next.is_null());
  CHECK(region->pointer_to(*next) == again->pointer_to(second));
}

TEST_CASE("os_shared_memory: nobody can cut anonymous memory; what could be cut is refused as a descriptor") {
  auto memory = frys::os_shared_memory::create(std::size_t{8192});
  REQUIRE(memory);
  CHECK(::ftruncate(memory->shared_handle(), 0) != 0);
  CHECK(::ftruncate(memory->shared_handle(), 1 << 20) != 0);
  CHECK(memory->bytes().size() == 8192);

  int ends[2] = {-1, -1};
  REQUIRE(::pipe(ends) == 0);
  CHECK(refusal(frys::os_shared_memory::open(ends[0])) == errc::invalid_argument);
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(refusal(frys::os_shared_memory::open(-1)) == errc::invalid_argument);
  const std::string name = unused_name();
  auto named = frys::os_shared_memory::create(name, 4096);
  REQUIRE(named);
  CHECK_FALSE(named->is_sealed());
  CHECK(refusal(frys::os_shared_memory::open(named->shared_handle())) == errc::permission_denied);
  CHECK(frys::os_shared_memory::remove(name));
}

TEST_CASE("os_shared_memory: names are made once, opened, and removed") {
  const std::string name = unused_name();
  CHECK(refusal(region_type::open(name)) == errc::not_found);
  auto made = region_type::create(name, 64 * 1024);
  REQUIRE(made);
  REQUIRE(made->make<int>("answer", 42));
  const auto twice = region_type::create(name, 64 * 1024);
  CHECK(refusal(twice) == errc::already_exists);
  CHECK(twice.error().number == EEXIST);
  auto other = region_type::open(name);
  REQUIRE(other);
  CHECK(**other->find<int>("answer") == 42);
  CHECK(frys::os_shared_memory::remove(name));
  CHECK(refusal(frys::os_shared_memory::remove(name)) == errc::not_found);
  CHECK(refusal(region_type::open(name)) == errc::not_found);
  CHECK(**other->find<int>("answer") == 42);  // who has it keeps it

  for (const std::string& wrong : {std::string(), std::string("a/b"), std::string(201, 'x'), std::string("a\0b", 3)}) {
    CHECK(refusal(frys::os_shared_memory::create(wrong, 4096)) == errc::invalid_argument);
    CHECK(refusal(frys::os_shared_memory::open(wrong)) == errc::invalid_argument);
    CHECK(refusal(frys::os_shared_memory::remove(wrong)) == errc::invalid_argument);
  }
  CHECK(refusal(frys::os_shared_memory::create(std::size_t{0})) == errc::invalid_argument);
  CHECK(refusal(frys::os_shared_memory::create(~std::size_t{0})) == errc::invalid_argument);
  const std::string large = unused_name();
  CHECK(refusal(frys::os_shared_memory::create(large, std::size_t{1} << 50)) == errc::no_space);
  CHECK(refusal(frys::os_shared_memory::open(large)) == errc::not_found);  // nothing stays
}

TEST_CASE("os_shared_memory: a maker that has not said the size yet is no error of the opener") {
  const std::string name = unused_name();
  const int fd = ::shm_open(("/" + name).c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  REQUIRE(fd >= 0);
  CHECK(refusal(region_type::open(name)) == errc::not_found);
  REQUIRE(::ftruncate(fd, 64 * 1024) == 0);
  CHECK(refusal(region_type::open(name)) == errc::not_found);
  ::close(fd);
  CHECK(frys::os_shared_memory::remove(name));
}

#if !FRYS_TSAN
TEST_CASE("os_shared_memory: when the table of descriptors is full, that is said") {
  CHECK(went_well(in_child([] {
    const ::rlimit few{3, 3};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return false;
    const auto refused = frys::os_shared_memory::create(std::size_t{4096});
    return !refused && refused.error() == errc::too_many_files;
  })));
}

TEST_CASE("os_shared_memory: a descriptor travels over a socket, once, and nothing else is taken for one") {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const pid_t child = in_child([&] {
    ::close(ends[0]);
    auto fd = frys::receive_descriptor(ends[1]);
    if (!fd) return false;
    auto region = region_type::open(*fd);
    ::close(*fd);
    return region && region->make<int>("answer", 42);
  });
  auto region = region_type::create(std::size_t{64 * 1024});
  REQUIRE(region);
  REQUIRE(frys::send_descriptor(ends[0], region->mapping().shared_handle()));
  CHECK(went_well(child));
  auto answer = region->find<int>("answer");
  REQUIRE(answer);
  CHECK(**answer == 42);

  REQUIRE(::write(ends[0], "x", 1) == 1);
  CHECK(refusal(frys::receive_descriptor(ends[1])) == errc::protocol_error);
  ::close(ends[0]);
  CHECK(refusal(frys::receive_descriptor(ends[1])) == errc::closed);
  CHECK(refusal(frys::send_descriptor(ends[1], 0)) == errc::io_failed);
  ::close(ends[1]);
  CHECK(refusal(frys::receive_descriptor(-1)) == errc::io_failed);
}

namespace {
// Takes and gives back at random for ever, or `steps` times; never holds more than `most` blocks of 64 bytes.
constexpr std::size_t most_held = 8;
bool churn(region_type& region, std::uint64_t seed, int steps) {
  random_numbers dice{seed | 1};
  std::uint64_t* hand[most_held] = {};
  const std::uint64_t mark = seed * 0x9e37'79b9'7f4a'7c15;
  for (int i = 0; steps == 0 || i < steps; ++i) {
    std::uint64_t*& h = hand[dice(most_held)];
    if (h == nullptr) {
      auto got = region.allocate(64);
      if (!got) return false;
      h = static_cast<std::uint64_t*>(*got);
      for (int w = 0; w < 8; ++w) h[w] = mark;
    } else {
      for (int w = 0; w < 8; ++w)
        if (h[w] != mark) return false;
      region.deallocate(h, 64);
      h = nullptr;
    }
  }
  for (std::uint64_t* h : hand)
    if (h != nullptr) region.deallocate(h, 64);
  return true;
}
}  // namespace

TEST_CASE("shared_region: a process that is killed anywhere costs what it held, and stands in nobody's way") {
  const int lives = long_run() ? 5'000 : 60;
  auto region = region_type::create(std::size_t{16} << 20);
  REQUIRE(region);
  const int fd = region->mapping().shared_handle();
  REQUIRE(churn(*region, 1, 1000));
  const std::size_t before = region->untouched();
  random_numbers dice{99};
  for (int life = 0; life < lives; ++life) {
    int ready[2] = {-1, -1};
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = in_child([&] {
      auto mine = region_type::open(fd);
      if (!mine || ::write(ready[1], "x", 1) != 1) return false;
      return churn(*mine, static_cast<std::uint64_t>(life) + 2, 0);
    });
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
    // Both work on the same lists, for a while of any length.
    CHECK(churn(*region, static_cast<std::uint64_t>(life) + 1'000'000, static_cast<int>(dice(20'000))));
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    REQUIRE(churn(*region, 1, 1000));
  }
  // What it held, and one on its way; and what two use at once.
  CHECK(before - region->untouched() <= (static_cast<std::size_t>(lives) * (most_held + 1) + 2 * most_held) * 64);
}

TEST_CASE("shared_region: names made by a process that is killed are whole, or not there") {
  const int lives = long_run() ? 2'000 : 40;
  for (int life = 0; life < lives; ++life) {
    auto region = region_type::create(std::size_t{1} << 20);
    REQUIRE(region);
    const int fd = region->mapping().shared_handle();
    const pid_t child = in_child([&] {
      auto mine = region_type::open(fd);
      for (std::uint64_t i = 0; mine; ++i) {
        const std::string name = "name" + std::to_string(i % 100);
        if (auto made = mine->make<std::array<std::uint64_t, 4>>(name)) {
          (*made)->fill(7);
          if (!mine->remove(name)) return false;
          mine->deallocate(*made, 32, 8);
        }
        if (!mine->make<std::uint64_t>(name + "!", i) && i < 100) return false;
      }
      return false;
    });
    auto wait_for = region->find<std::uint64_t>("name0!");
    while (!wait_for) wait_for = region->find<std::uint64_t>("name0!");
    random_numbers dice{static_cast<std::uint64_t>(life) + 1};
    for (std::uint64_t i = dice(20'000); i != 0; --i) (void)region->find("name99");
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    for (std::uint64_t i = 0; i < 100; ++i) {
      const auto found = region->find<std::uint64_t>("name" + std::to_string(i) + "!");
      if (found)
        CHECK(**found == i);
      else
        CHECK(found.error() == errc::not_found);
    }
    CHECK(region->make<int>("mine", 1));
  }
}

TEST_CASE("shared_region: a process that writes rubbish without end does not make us crash, hang or reach outside") {
  const int rounds = long_run() ? 500 : 6;
  for (int round = 0; round < rounds; ++round) {
    auto region = region_type::create(std::size_t{64 * 1024});
    REQUIRE(region);
    const int fd = region->mapping().shared_handle();
    const pid_t child = in_child([&] {
      auto mine = region_type::open(fd);
      random_numbers dice{static_cast<std::uint64_t>(round) + 1};
      // By volatile stores: nothing here may be left out.
      auto* const words = reinterpret_cast<volatile std::uint32_t*>(mine->bytes().data());
      const std::size_t head = round % 2 == 0 ? 2048 / 4 : 64 * 1024 / 4;  // the head alone, or everything
      for (;;) words[dice(head)] = static_cast<std::uint32_t>(dice(dice(2) == 0 ? 4096 : 1u << 31));
      return true;
    });
    bool fine = true;
    for (std::uint64_t i = 0; i < 300; ++i) fine = fine && region_abuse::survives(*region, i + 1, 100);
    CHECK(fine);
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
  }
}
#endif
#endif
