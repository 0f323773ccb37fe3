#include <frys/memory/slot_map.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

using frys::slot_handle;
using frys::slot_map;
namespace policy = frys::policy;

namespace {
struct counted {
  inline static int alive = 0;
  inline static int made = 0;
  std::unique_ptr<int> value;  // so that it moves only, and a leak or a second death is seen
  explicit counted(int v) : value(std::make_unique<int>(v)) { ++alive, ++made; }
  counted(counted&& other) noexcept : value(std::move(other.value)) { ++alive, ++made; }
  counted& operator=(counted&&) = delete;
  ~counted() { --alive; }
};

// Random operations on a map and on its model: a std::unordered_map from the bits of each handle ever given to the
// value, if that still lives. `room` is the most values that may live at once, `lives` the most that there ever are.
template <class Map>
void twin(std::uint32_t seed, int steps, std::size_t room, std::size_t lives) {
  using handle = typename Map::handle;
  std::mt19937 engine(seed);
  const auto random = [&] { return static_cast<std::uint32_t>(engine()); };
  std::unordered_map<typename handle::word, int> model;
  std::vector<handle> given;
  std::unordered_set<handle> distinct;
  std::uintptr_t sum = 0;
  {
    Map map;
    std::unordered_map<typename handle::word, const counted*> places;
    for (int step = 0; step < steps; ++step) {
      const unsigned what = random() % 1000;
      // Waves, so that the map is nearly empty and nearly full again and again.
      const unsigned eager = (step / 400) % 2 == 0 ? 620 : 380;
      if (what < eager) {
        auto h = map.emplace(step);
        const bool wanted = model.size() + map.retired() < room && distinct.size() < lives;
        REQUIRE(h.has_value() == wanted);
        if (!h) {
          REQUIRE(h.error() == frys::errc::limit_exceeded);
          continue;
        }
        REQUIRE(static_cast<bool>(*h));
        REQUIRE(distinct.insert(*h).second);  // no handle is given twice
        model.emplace(h->bits(), step);
        places.emplace(h->bits(), map.get(*h));
        given.push_back(*h);
      } else if (what < 990) {
        if (given.empty()) continue;
        const handle h = given[random() % given.size()];
        REQUIRE(map.erase(h) == (model.erase(h.bits()) == 1));
        REQUIRE_FALSE(map.contains(h));
      } else if (what < 998) {
        const int divisor = static_cast<int>(random() % 5 + 2);
        const auto wanted = [&](int v) { return v % divisor == 0; };
        REQUIRE(map.erase_if([&](counted& c) { return wanted(*c.value); }) ==
                std::erase_if(model, [&](const auto& each) { return wanted(each.second); }));
      } else if (what == 998) {
        map.clear();
        model.clear();
      } else {
        std::size_t told = 0;
        const Map& seen = map;
        seen.for_each([&](handle h, const counted& c) {
          REQUIRE(model.at(h.bits()) == *c.value);
          REQUIRE(places.at(h.bits()) == &c);  // it has not moved
          ++told;
        });
        REQUIRE(told == model.size());
      }
      REQUIRE(map.size() == model.size());
      REQUIRE(map.empty() == model.empty());
      REQUIRE(counted::alive == static_cast<int>(model.size()));
      for (int look = 0; look < 4 && !given.empty(); ++look) {
        // The newest ones, and any: most of those are stale.
        const std::size_t from = look < 2 && given.size() > 16 ? given.size() - 16 : 0;
        const handle h = given[from + random() % (given.size() - from)];
        const auto expected = model.find(h.bits());
        const counted* value = map.get(h);
        REQUIRE((value != nullptr) == (expected != model.end()));
        if (value != nullptr) REQUIRE(*value->value == expected->second);
        sum += h.bits();
      }
      const handle forged = handle::from_bits(static_cast<typename handle::word>(random() * 0x100000001ull));
      REQUIRE(map.contains(forged) == (model.count(forged.bits()) == 1));
    }
  }
  CHECK(sum != 0);
  CHECK(counted::alive == 0);
}
constexpr std::size_t any = ~std::size_t{0};
}  // namespace

TEST_CASE("slot_map: a slot without a value is poisoned where AddressSanitizer looks") {
  static constexpr bool looks = FRYS_ASAN != 0;
  const auto check = [](auto& map) {
    const auto a = *map.emplace(1u), b = *map.emplace(2u);
    std::uint64_t* const dead = map.get(a);
    CHECK_FALSE(frys::is_poisoned(dead));
    CHECK(frys::is_poisoned(map.get(b) + 1) == looks);  // never used
    CHECK(map.erase(a));
    CHECK(frys::is_poisoned(dead) == looks);
    CHECK_FALSE(frys::is_poisoned(map.get(b)));
    CHECK(map.get(*map.emplace(3u)) == dead);
    CHECK_FALSE(frys::is_poisoned(dead));
  };
  slot_map<std::uint64_t> outside;
  check(outside);
  slot_map<std::uint64_t, policy::capacity<4>> inside;
  check(inside);
}

TEST_CASE("slot_map: a handle names its value until the value is erased, and then nothing") {
  slot_map<std::string> map;
  auto a = map.emplace("one");
  auto b = map.insert(std::string("two"));
  REQUIRE(a);
  REQUIRE(b);
  CHECK(*map.get(*a) == "one");
  CHECK(*std::as_const(map).get(*b) == "two");
  CHECK(map.size() == 2);
  CHECK(map.erase(*a));
  CHECK(map.get(*a) == nullptr);
  CHECK_FALSE(map.contains(*a));
  CHECK_FALSE(map.erase(*a));
  CHECK(map.contains(*b));
  auto c = map.emplace("three");  // in the slot of the first
  REQUIRE(c);
  CHECK(c->index() == a->index());
  CHECK(*c != *a);
  CHECK(map.get(*a) == nullptr);
  CHECK(*map.get(*c) == "three");
}

TEST_CASE("slot_map: the handle that names nothing, and bits that no map has given, answer nullptr") {
  slot_map<int, policy::handle_bits<20, 12>> map;
  using handle = decltype(map)::handle;
  static_assert(sizeof(handle) == 4 && sizeof(slot_map<int>::handle) == 8);
  CHECK_FALSE(handle{});
  CHECK(handle{}.bits() == 0);
  CHECK(map.get({}) == nullptr);
  const handle h = *map.insert(1);
  CHECK(h);
  CHECK(handle::from_bits(h.bits()) == h);
  CHECK(map.get({}) == nullptr);
  map.erase(h);
  CHECK(map.get({}) == nullptr);
  const handle again = *map.insert(2);
  // Every generation of this slot and of one that is not yet used: only one is right.
  int right = 0;
  for (std::uint32_t generation = 0; generation < 4096; ++generation) {
    const handle tried = handle::from_bits(generation << 20 | again.index());
    right += map.contains(tried);
    CHECK(map.contains(tried) == (tried == again));
    CHECK_FALSE(map.contains(handle::from_bits(generation << 20 | (again.index() + 1))));
    CHECK_FALSE(map.contains(handle::from_bits(generation << 20 | 0xfffff)));
  }
  CHECK(right == 1);
  map.erase(again);
  for (std::uint32_t generation = 0; generation < 4096; ++generation)
    CHECK_FALSE(map.contains(handle::from_bits(generation << 20 | again.index())));
  // More bits than a handle has name nothing, and not the value of the bits below.
  using narrow = slot_map<int, policy::handle_bits<10, 10>>::handle;
  CHECK_FALSE(narrow::from_bits(std::uint32_t{1} << 20 | std::uint32_t{1} << 10));
  using odd = slot_map<int, policy::handle_bits<30, 20>>::handle;
  static_assert(sizeof(odd) == 8);
  CHECK_FALSE(odd::from_bits(std::uint64_t{1} << 50 | std::uint64_t{1} << 30));
  CHECK(odd::from_bits(std::uint64_t{7} << 30 | 5).generation() == 7);
  CHECK(odd::from_bits(std::uint64_t{7} << 30 | 5).index() == 5);
}

TEST_CASE("slot_map: handles compare, order and hash, and fit their own type of map only") {
  struct apple {};
  struct pear {};
  using apples = slot_map<apple>;
  using pears = slot_map<pear>;
  static_assert(!std::is_convertible_v<apples::handle, pears::handle>);
  static_assert(!std::is_constructible_v<apples::handle, pears::handle>);
  static_assert(!std::is_constructible_v<apples::handle, std::uint64_t>);
  static_assert(!std::is_same_v<apples::handle, slot_map<apple, policy::handle_bits<20, 12>>::handle>);
  static_assert(std::is_same_v<apples::handle, slot_handle<apple>>);
  static_assert(std::is_trivially_copyable_v<apples::handle>);
  slot_map<int> map;
  std::unordered_map<slot_handle<int>, int> by_hash;
  std::map<slot_handle<int>, int> by_order;
  std::vector<slot_handle<int>> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(*map.insert(i));
    by_hash[all.back()] = i;
    by_order[all.back()] = i;
  }
  CHECK(by_hash.size() == 100);
  CHECK(by_order.size() == 100);
  for (const auto h : all) {
    CHECK(by_hash.at(h) == *map.get(h));
    CHECK(by_order.at(h) == *map.get(h));
  }
}

TEST_CASE("slot_map: a value may hold handles to others of its own type") {
  struct node {
    int value;
    slot_handle<node> next;
  };
  slot_map<node> map;
  slot_handle<node> head;
  for (int i = 0; i < 5; ++i) head = *map.insert(node{i, head});
  int sum = 0;
  for (const node* n = map.get(head); n != nullptr; n = map.get(n->next)) sum = sum * 10 + n->value;
  CHECK(sum == 43210);
  map.erase(map.get(head)->next);
  CHECK(map.get(map.get(head)->next) == nullptr);
}

TEST_CASE("slot_map: does what a std::unordered_map of all its handles does") {
  twin<slot_map<counted>>(1, 12'000, any, any);
  twin<slot_map<counted, policy::chunk_size<256>>>(2, 12'000, any, any);
  twin<slot_map<counted, policy::chunk_size<1>>>(3, 4'000, any, any);
  twin<slot_map<counted, policy::capacity<100>>>(4, 6'000, 100, any);
  twin<slot_map<counted, policy::capacity<1>>>(5, 2'000, 1, any);
}

TEST_CASE("slot_map: and with generations that are used up: no handle comes twice, no stale one answers") {
  twin<slot_map<counted, policy::handle_bits<10, 3>>>(6, 12'000, 1024, 1024 * 4);
  twin<slot_map<counted, policy::handle_bits<7, 1>, policy::chunk_size<512>>>(7, 2'000, 128, 128);
  twin<slot_map<counted, policy::handle_bits<7, 5>, policy::capacity<77>>>(8, 12'000, 77, 77 * 16);
  twin<slot_map<counted, policy::handle_bits<8, 8>>>(9, 12'000, 256, 256 * 128);
}

TEST_CASE("slot_map: a slot whose generations are used up is retired for good") {
  slot_map<int, policy::handle_bits<2, 2>> map;
  CHECK(map.reserve(4));
  CHECK(map.slot_count() == 4);
  for (int i = 0; i < 8; ++i) {
    auto h = map.insert(i);
    REQUIRE(h);
    CHECK(map.erase(*h));
    CHECK(map.retired() == static_cast<std::size_t>(i + 1) / 2);
    CHECK(map.slot_count() == 4 - map.retired());
    for (std::uint32_t bits = 0; bits < 16; ++bits) CHECK_FALSE(map.contains(decltype(map)::handle::from_bits(bits)));
  }
  CHECK(map.insert(9).error() == frys::errc::limit_exceeded);
  CHECK(map.reserve(1).error() == frys::errc::limit_exceeded);
  CHECK(map.size() == 0);
  map.clear();
  map.for_each([](int) { FAIL("nothing lives"); });
}

TEST_CASE("slot_map: values stay where they are while others come and go, and the map moves") {
  slot_map<std::uint64_t, policy::chunk_size<512>> map;
  std::vector<std::pair<slot_handle<std::uint64_t>, const std::uint64_t*>> all;
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    const auto h = *map.insert(i);
    all.emplace_back(h, map.get(h));
  }
  for (std::size_t i = 0; i < all.size(); i += 2) map.erase(all[i].first);
  auto moved = std::move(map);
  CHECK(map.empty());  // NOLINT: a moved-from map is empty
  CHECK(map.get(all[1].first) == nullptr);
  CHECK(map.reserved() == 0);
  map = std::move(moved);
  CHECK(map.size() == 25'000);
  bool same = true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 2 == 0)
      same = same && map.get(all[i].first) == nullptr;
    else
      same = same && map.get(all[i].first) == all[i].second && *all[i].second == i;
  }
  CHECK(same);
  static_assert(std::is_nothrow_move_constructible_v<slot_map<int>> && !std::is_copy_constructible_v<slot_map<int>>);
  static_assert(!std::is_move_constructible_v<slot_map<int, policy::capacity<4>>>);
  static_assert(!std::is_move_assignable_v<slot_map<int, policy::capacity<4>>>);
}

TEST_CASE("slot_map: for_each may erase any value, and put others in") {
  slot_map<int> map;
  std::vector<slot_handle<int>> all;
  for (int i = 0; i < 1000; ++i) all.push_back(*map.insert(i));
  int told = 0;
  map.for_each([&](slot_handle<int> h, const int& value) {
    const auto at = static_cast<std::size_t>(value);
    CHECK(h == all[at]);
    ++told;
    map.erase(h);                                       // itself
    if (at % 2 == 0) map.erase(all[at + 1]);            // the next one: it is not told
    if (at % 4 == 0 && at > 0) map.erase(all[at - 1]);  // gone already
  });
  CHECK(told == 500);
  CHECK(map.empty());
  for (int i = 0; i < 10; ++i) (void)map.insert(i);
  int turns = 0;
  map.for_each([&](int) {
    if (turns < 2000) (void)map.insert(-1);
    ++turns;
  });
  CHECK(turns >= 10);
  CHECK(map.size() >= 20);
}

TEST_CASE("slot_map: constructors and destructors of T may use the map") {
  struct tree {
    using forest = slot_map<tree>;
    forest& all;
    slot_handle<tree> left, right;
    tree(forest& f, int depth) : all(f) {
      if (depth == 0) return;
      left = *f.emplace(f, depth - 1);
      right = *f.emplace(f, depth - 1);
    }
    tree(const tree&) = delete;
    tree& operator=(const tree&) = delete;
    ~tree() {
      all.erase(left);
      all.erase(right);
    }
  };
  slot_map<tree> map;
  const auto root = *map.emplace(map, 9);
  CHECK(map.size() == 1023);
  CHECK(map.erase(map.get(root)->left));
  CHECK(map.size() == 512);
  CHECK(map.erase(root));
  CHECK(map.empty());
  (void)map.emplace(map, 7);
  map.clear();
  CHECK(map.empty());
  (void)map.emplace(map, 7);  // the map's own end
}

TEST_CASE("slot_map: a source that refuses is errc::out_of_memory, and leaves the map and the argument as they were") {
  using pages = counting_pages<60>;
  {
    slot_map<counted, policy::pages<pages>, policy::chunk_size<1024>> map;
    pages::refuses = true;
    counted one(1);
    CHECK(map.insert(std::move(one)).error() == frys::errc::out_of_memory);
    CHECK(one.value != nullptr);  // NOLINT: a refused insert does not take it
    CHECK(map.reserve(1).error() == frys::errc::out_of_memory);
    CHECK(map.reserved() == 0);
    pages::refuses = false;
    std::vector<decltype(map)::handle> all;
    while (all.size() < 100'000) {
      // Refuses at each new chunk and at each new directory, once.
      pages::refuses = all.size() == map.slot_count();
      auto h = map.emplace(static_cast<int>(all.size()));
      if (pages::refuses) {
        REQUIRE(h.error() == frys::errc::out_of_memory);
        pages::refuses = false;
        h = map.emplace(static_cast<int>(all.size()));
      }
      REQUIRE(h);
      all.push_back(*h);
    }
    CHECK(pages::held >= map.reserved());
    bool same = true;
    for (std::size_t i = 0; i < all.size(); ++i) same = same && *map.get(all[i])->value == static_cast<int>(i);
    CHECK(same);
  }
  CHECK(pages::held == 0);
  CHECK(counted::alive == 0);
}

TEST_CASE("slot_map: a directory without its chunk is used when the source gives again") {
  // Refuses every second call: the directory comes, its first chunk does not.
  struct moody {
    static frys::result<frys::byte_span> allocate(std::size_t size) {
      if (++calls() % 2 == 0) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused", 0};
      return counting_pages<63>::allocate(size);
    }
    static void release(frys::byte_span memory) noexcept { counting_pages<63>::release(memory); }
    static int& calls() {
      static int n = 0;
      return n;
    }
  };
  {
    slot_map<std::uint64_t, policy::pages<moody>, policy::chunk_size<256>> map;
    std::vector<slot_handle<std::uint64_t>> all;
    int refused = 0;
    while (all.size() < 20'000) {
      if (auto h = map.insert(std::uint64_t{all.size()}))
        all.push_back(*h);
      else
        ++refused;
    }
    CHECK(refused > 500);
    bool same = true;
    for (std::size_t i = 0; i < all.size(); ++i) same = same && *map.get(all[i]) == i;
    CHECK(same);
  }
  CHECK(counting_pages<63>::held == 0);
}

TEST_CASE("slot_map: policy::limit refuses with errc::limit_exceeded, and room that comes free is used again") {
  using pages = counting_pages<61>;
  slot_map<std::uint64_t, policy::limit<40'000>, policy::chunk_size<4096>, policy::pages<pages>> map;
  std::vector<slot_handle<std::uint64_t>> all;
  for (;;) {
    auto h = map.insert(std::uint64_t{all.size()});
    if (!h) {
      CHECK(h.error() == frys::errc::limit_exceeded);
      break;
    }
    all.push_back(*h);
  }
  CHECK(all.size() >= 2000);
  CHECK(all.size() == map.slot_count());
  CHECK(map.reserved() <= 40'000);
  const auto before = pages::allocations.load();
  CHECK(map.erase(all[7]));
  CHECK(map.insert(std::uint64_t{7}));
  CHECK_FALSE(map.insert(std::uint64_t{8}));
  CHECK(pages::allocations == before);
}

TEST_CASE("slot_map: after the longest crowd, and after reserve, the source is not asked again") {
  using pages = counting_pages<62>;
  {
    slot_map<std::uint64_t, policy::pages<pages>> map;
    REQUIRE(map.reserve(50'000));
    CHECK(map.slot_count() >= 50'000);
    const auto before = pages::allocations.load();
    for (int round = 0; round < 3; ++round) {
      for (std::uint64_t i = 0; i < 50'000; ++i) REQUIRE(map.insert(i));
      CHECK(map.size() == 50'000);
      map.clear();
    }
    CHECK(pages::allocations == before);
  }
  CHECK(pages::held == 0);
}

TEST_CASE("slot_map: policy::capacity: the slots lie in the object and nothing is asked of a source") {
  slot_map<counted, policy::capacity<3>> map;
  CHECK(map.slot_count() == 3);
  CHECK(map.reserved() == 0);
  std::vector<decltype(map)::handle> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(*map.emplace(i));
    const auto at = reinterpret_cast<std::uintptr_t>(map.get(all.back()));
    CHECK(at >= reinterpret_cast<std::uintptr_t>(&map));
    CHECK(at < reinterpret_cast<std::uintptr_t>(&map + 1));
  }
  CHECK(map.emplace(3).error() == frys::errc::limit_exceeded);
  CHECK(map.reserve(3));
  CHECK(map.reserve(4).error() == frys::errc::limit_exceeded);
  CHECK(map.erase(all[1]));
  CHECK(map.emplace(4));
  map.clear();
  CHECK(counted::alive == 0);
}

TEST_CASE("slot_map: policy::capacity: what lay in the memory before is no generation") {
  using map_type = slot_map<int, policy::capacity<4>, policy::handle_bits<8, 8>>;
  struct place {
    alignas(map_type) unsigned char bytes[sizeof(map_type)];
  };
  place here;
  for (std::size_t i = 0; i < sizeof here; ++i) *static_cast<volatile unsigned char*>(here.bytes + i) = 1;
  auto* map = ::new (static_cast<void*>(here.bytes)) map_type;
  for (std::uint32_t index = 0; index < 256; ++index)
    CHECK_FALSE(map->contains(map_type::handle::from_bits(1u << 8 | index)));
  const auto h = *map->insert(7);
  REQUIRE(map->contains(h));
  CHECK(*map->get(h) == 7);
  std::destroy_at(map);
}

TEST_CASE("slot_map: each value dies once, and over-aligned and large ones stand well") {
  struct alignas(256) wide {
    char bytes[300];
  };
  slot_map<wide> map;
  slot_map<wide, policy::capacity<5>> inside;
  bool aligned = true;
  for (int i = 0; i < 1000; ++i)
    aligned = aligned && reinterpret_cast<std::uintptr_t>(map.get(*map.emplace())) % 256 == 0;
  for (int i = 0; i < 5; ++i)
    aligned = aligned && reinterpret_cast<std::uintptr_t>(inside.get(*inside.emplace())) % 256 == 0;
  CHECK(aligned);
  struct large {
    char bytes[100'000];  // more than a chunk: one in each
    int last;
  };
  slot_map<large> few;
  std::vector<slot_handle<large>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(*few.emplace());
    few.get(all.back())->last = i;
  }
  for (int i = 0; i < 20; ++i) CHECK(few.get(all[static_cast<std::size_t>(i)])->last == i);
  slot_map<char> narrow;
  std::vector<slot_handle<char>> letters;
  for (int i = 0; i < 1000; ++i) letters.push_back(*narrow.insert(static_cast<char>('a' + i % 26)));
  for (std::size_t i = 0; i < 1000; i += 3) narrow.erase(letters[i]);
  for (std::size_t i = 1; i < 1000; i += 3) CHECK(*narrow.get(letters[i]) == static_cast<char>('a' + i % 26));
  counted::made = 0;
  {
    slot_map<counted> those;
    for (int i = 0; i < 777; ++i) (void)those.emplace(i);
    CHECK(those.erase_if([](auto, counted& c) { return *c.value < 100; }) == 100);
    CHECK(counted::alive == 677);
  }
  CHECK(counted::alive == 0);
  CHECK(counted::made == 777);
}

#if FRYS_EXCEPTIONS
TEST_CASE("slot_map: a constructor that throws leaves the map as it was") {
  struct picky {
    std::uint64_t filler[4] = {1, 2, 3, 4};
    explicit picky(int i) {
      if (i < 0) throw std::runtime_error("negative");
    }
  };
  slot_map<picky, policy::capacity<8>> map;
  CHECK_THROWS_AS((void)map.emplace(-1), std::runtime_error);  // the first slot, never used
  CHECK(map.empty());
  std::vector<decltype(map)::handle> all;
  for (int i = 0; i < 8; ++i) {
    for (int again = 0; again < 5; ++again) CHECK_THROWS_AS((void)map.emplace(-1), std::runtime_error);
    all.push_back(*map.emplace(i));
  }
  CHECK(map.size() == 8);
  CHECK_FALSE(map.emplace(1));
  map.erase(all[3]);
  CHECK_THROWS_AS((void)map.emplace(-1), std::runtime_error);
  CHECK_FALSE(map.contains(all[3]));
  std::size_t told = 0;
  map.for_each([&](picky& p) { told += p.filler[3] == 4; });
  CHECK(told == 7);
  REQUIRE(map.emplace(1));
  CHECK(map.size() == 8);
}

TEST_CASE("slot_map: an exception of for_each's and of erase_if's function passes, and the map is whole") {
  slot_map<int> map;
  for (int i = 0; i < 10; ++i) (void)map.insert(i);
  CHECK_THROWS_AS((void)map.erase_if([](int v) { return v == 5 ? throw std::runtime_error("five") : true; }),
                  std::runtime_error);
  CHECK(map.size() == 5);
  CHECK(map.insert(10));
  CHECK(map.size() == 6);
}
#endif
