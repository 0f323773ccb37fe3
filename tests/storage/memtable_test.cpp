#include <doctest/doctest.h>

#include <frys/memory/pages.hpp>
#include <frys/storage/memtable.hpp>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

struct numbers {  // splitmix64
  std::uint64_t state;
  std::uint64_t operator()() {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

std::string key_of(std::uint64_t n) { return "key:" + std::to_string(n); }

// A page source that counts what is out and can refuse.
struct counted_pages {
  inline static std::size_t out = 0;
  inline static bool refuses = false;
  static frys::result<frys::byte_span> allocate(std::size_t size) {
    if (refuses) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused", 0};
    auto pages = frys::heap_pages::allocate(size);
    if (pages) out += pages->size();
    return pages;
  }
  static void release(frys::byte_span memory) noexcept {
    out -= memory.size();
    frys::heap_pages::release(memory);
  }
};
struct counted_world {
  using pages = counted_pages;
};

struct tracked {
  inline static int alive = 0;
  int n = 0;
  explicit tracked(int v) : n(v) { ++alive; }
  tracked(tracked&& o) noexcept : n(o.n) { ++alive; }
  ~tracked() { --alive; }
};

}  // namespace

TEST_CASE("memtable: what was inserted is found, what was erased is not") {
  frys::memtable<int> table;
  CHECK(table.empty());
  CHECK(table.find("a") == nullptr);
  CHECK_FALSE(table.erase("a"));
  auto first = table.insert_or_assign("a", 1);
  REQUIRE(first.has_value());
  CHECK(first->inserted);
  CHECK(*first->value == 1);
  auto second = table.insert_or_assign("a", 2);
  REQUIRE(second.has_value());
  CHECK_FALSE(second->inserted);
  CHECK(second->value == first->value);
  CHECK(*table.find("a") == 2);
  CHECK(table.size() == 1);
  CHECK(table.erase("a"));
  CHECK(table.find("a") == nullptr);
  CHECK(table.empty());
}

TEST_CASE("memtable: the hash may be computed once and passed along") {
  frys::memtable<int> table(frys::memtable_options{.limit_bytes = 0, .seed = 77});
  const std::uint64_t hash = table.hash_of("name");
  REQUIRE(table.insert_or_assign("name", hash, 5));
  table.prefetch(hash);
  table.prefetch_entry(hash);
  table.prefetch_entry(table.hash_of("nobody"));
  CHECK(*table.find("name", hash) == 5);
  CHECK(*table.find("name") == 5);
  CHECK(table.erase("name", hash));
  table.prefetch_entry(hash);  // empty again
  frys::memtable<int> plain;
  CHECK(plain.hash_of("name") == frys::hash{}(std::string_view("name")));
}

TEST_CASE("memtable: try_insert leaves a key that is there alone") {
  frys::memtable<std::unique_ptr<int>> table;
  CHECK(table.try_insert("k", std::make_unique<int>(1))->inserted);
  auto again = table.try_insert("k", std::make_unique<int>(2));
  CHECK_FALSE(again->inserted);
  CHECK(**again->value == 1);
}

TEST_CASE("memtable: keys are any bytes of any length") {
  frys::memtable<std::size_t> table;
  std::vector<std::string> keys = {"", std::string(1, '\0'), std::string(2, '\0'), "a", std::string("a\0b", 3)};
  for (std::size_t n : {15u, 16u, 17u, 512u, 513u, 4000u, 16384u, 70000u, 1000000u}) keys.emplace_back(n, 'x');
  for (std::size_t i = 0; i < keys.size(); ++i) REQUIRE(table.insert_or_assign(keys[i], i));
  CHECK(table.size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) CHECK(*table.find(keys[i]) == i);
  for (const std::string& k : keys) CHECK(table.erase(k));
  CHECK(table.empty());
}

TEST_CASE("memtable: a value stays where it is while the table grows") {
  frys::memtable<int> table;
  int* first = table.insert_or_assign("first", 42)->value;
  for (int i = 0; i < 20000; ++i) REQUIRE(table.insert_or_assign(key_of(static_cast<std::uint64_t>(i)), i));
  CHECK(table.find("first") == first);
  CHECK(*first == 42);
}

TEST_CASE("memtable: agrees with std::map over random operations, growing and shrinking") {
  for (std::uint64_t seed : {1u, 2u, 3u}) {
    CAPTURE(seed);
    numbers random{seed};
    frys::memtable<std::uint64_t> table(frys::memtable_options{.limit_bytes = 0, .seed = seed});
    std::map<std::string, std::uint64_t> model;
    bool same = true;
    for (int round = 0; round < 6; ++round) {
      const bool grow = round % 2 == 0;
      for (int i = 0; i < 12000; ++i) {
        const std::string key = key_of(random() % 9000);
        const std::uint64_t dice = random() % 10;
        if (dice < (grow ? 6u : 2u)) {
          const bool is_new = table.insert_or_assign(key, random.state)->inserted;
          same = same && is_new == !model.contains(key);
          model[key] = random.state;
        } else if (dice < 8) {
          same = same && table.erase(key) == (model.erase(key) == 1);
        } else {
          const auto it = model.find(key);
          const auto* value = table.find(key);
          same = same && (value == nullptr) == (it == model.end()) && (value == nullptr || *value == it->second);
        }
        same = same && table.size() == model.size();
      }
      std::map<std::string, std::uint64_t> seen;
      table.for_each([&](std::string_view k, std::uint64_t& v) { seen.emplace(k, v); });
      CHECK(seen == model);
    }
    CHECK(same);
    for (const auto& [k, v] : model) same = same && table.erase(k);
    CHECK(same);
    CHECK(table.empty());
  }
}

TEST_CASE("memtable: keys with one and the same hash still work") {
  frys::memtable<int> table;
  for (int i = 0; i < 300; ++i) REQUIRE(table.insert_or_assign(key_of(static_cast<std::uint64_t>(i)), 7u, i));
  bool same = true;
  for (int i = 0; i < 300; ++i) same = same && *table.find(key_of(static_cast<std::uint64_t>(i)), 7u) == i;
  for (int i = 0; i < 300; i += 2) same = same && table.erase(key_of(static_cast<std::uint64_t>(i)), 7u);
  for (int i = 1; i < 300; i += 2) same = same && *table.find(key_of(static_cast<std::uint64_t>(i)), 7u) == i;
  CHECK(same);
  CHECK(table.size() == 150);
  std::uint64_t cursor = 0;
  do cursor = table.sweep(cursor, 10, [](std::string_view, int& v) { return v % 3 == 0; });
  while (cursor != 0);
  CHECK(table.size() == 100);
  for (int i = 1; i < 300; i += 2)
    same = same && (table.find(key_of(static_cast<std::uint64_t>(i)), 7u) != nullptr) == (i % 3 != 0);
  CHECK(same);
}

TEST_CASE("memtable: a scan sees every key that stays, while others come and go and the table changes its size") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    numbers random{seed};
    frys::memtable<int> table;
    const std::size_t stay = 200 + random() % 800;
    for (std::size_t i = 0; i < stay; ++i) REQUIRE(table.insert_or_assign("stay" + std::to_string(i), 1));
    if (seed % 3 == 0) {  // starts large, so that it shrinks during the scan
      for (std::uint64_t i = 0; i < 20000; ++i) REQUIRE(table.insert_or_assign(key_of(i), 0));
    }
    std::set<std::string> seen;
    std::uint64_t cursor = 0, comes = 0, goes = 0;
    std::size_t calls = 0;
    do {
      cursor = table.scan(cursor, 1 + random() % 20, [&](std::string_view k, int&) {
        if (k.starts_with("stay")) seen.emplace(k);
      });
      const std::uint64_t burst = random() % 300;
      for (std::uint64_t i = 0; i < burst; ++i) {
        if (seed % 3 == 0)
          table.erase(key_of(goes++));
        else if (comes < 30000)
          REQUIRE(table.insert_or_assign(key_of(comes++), 0));
      }
    } while (cursor != 0 && ++calls < 100000);
    CHECK(cursor == 0);
    CHECK(seen.size() == stay);
  }
}

TEST_CASE("memtable: an undisturbed scan gives each key exactly once") {
  frys::memtable<int> table;
  for (std::uint64_t i = 0; i < 5000; ++i) REQUIRE(table.insert_or_assign(key_of(i), 1));
  while (table.rehash_some(16)) {
  }
  std::size_t given = 0;
  std::uint64_t cursor = 0;
  do cursor = table.scan(cursor, 10, [&](std::string_view, int& v) { given += static_cast<std::size_t>(v); });
  while (cursor != 0);
  CHECK(given == 5000);
  std::size_t none = 0;
  frys::memtable<int> empty;
  CHECK(empty.scan(0, 10, [&](std::string_view, int&) { ++none; }) == 0);
  CHECK(none == 0);
}

TEST_CASE("memtable: any cursor, also one nobody gave out, is harmless") {
  frys::memtable<int> table;
  for (std::uint64_t i = 0; i < 1000; ++i) REQUIRE(table.insert_or_assign(key_of(i), 1));
  numbers random{9};
  for (int i = 0; i < 1000; ++i) (void)table.scan(random(), 1 + random() % 100, [](std::string_view, int&) {});
  CHECK(table.size() == 1000);
}

TEST_CASE("memtable: sweep erases what it is told to and keeps the rest") {
  frys::memtable<int> table;
  for (int i = 0; i < 10000; ++i) REQUIRE(table.insert_or_assign(key_of(static_cast<std::uint64_t>(i)), i));
  std::uint64_t cursor = 0;
  do cursor = table.sweep(cursor, 100, [](std::string_view, int& v) { return v % 4 != 0; });
  while (cursor != 0);
  CHECK(table.size() == 2500);
  bool same = true;
  for (int i = 0; i < 10000; ++i)
    same = same && (table.find(key_of(static_cast<std::uint64_t>(i))) != nullptr) == (i % 4 == 0);
  CHECK(same);
}

TEST_CASE("memtable: values die exactly once") {
  {
    frys::memtable<tracked> table;
    for (int i = 0; i < 3000; ++i)
      REQUIRE(table.insert_or_assign(key_of(static_cast<std::uint64_t>(i % 1000)), tracked(i)));
    CHECK(tracked::alive == 1000);
    for (std::uint64_t i = 0; i < 500; ++i) table.erase(key_of(i));
    CHECK(tracked::alive == 500);
    table.clear();
    CHECK(tracked::alive == 0);
    CHECK(table.empty());
    REQUIRE(table.insert_or_assign("again", tracked(1)));
  }
  CHECK(tracked::alive == 0);
}

TEST_CASE("memtable: a refused page fails the insertion and changes nothing") {
  {
    frys::memtable<int, frys::policy::world<counted_world>> table;
    std::uint64_t n = 0;
    while (n < 1000) REQUIRE(table.insert_or_assign(key_of(n++), 1));
    counted_pages::refuses = true;
    frys::result<frys::memtable<int, frys::policy::world<counted_world>>::insertion> last = frys::error{};
    const std::size_t before = table.size();
    std::uint64_t added = 0;
    while ((last = table.insert_or_assign(key_of(n), 1)).has_value()) ++n, ++added;
    CHECK(last.error() == frys::errc::out_of_memory);
    CHECK(table.size() == before + added);
    CHECK(table.find(key_of(n)) == nullptr);
    bool same = true;
    for (std::uint64_t i = 0; i < n; ++i) same = same && table.find(key_of(i)) != nullptr;
    CHECK(same);
    counted_pages::refuses = false;
    while (n < 10000) REQUIRE(table.insert_or_assign(key_of(n++), 1));
    for (std::uint64_t i = 0; i < n; ++i) same = same && table.find(key_of(i)) != nullptr;
    CHECK(same);
    CHECK(table.held_bytes() == counted_pages::out);
    CHECK(table.bytes() <= table.held_bytes());
  }
  CHECK(counted_pages::out == 0);
}

TEST_CASE("memtable: the limit holds, and erased memory serves new keys") {
  frys::memtable<int, frys::policy::limit<256 * 1024>, frys::policy::pages<counted_pages>> table;
  std::uint64_t n = 0;
  while (auto r = table.insert_or_assign(key_of(n), 1)) ++n;
  CHECK(n > 3000);
  CHECK(table.insert_or_assign(key_of(n), 1).error() == frys::errc::limit_exceeded);
  CHECK(table.held_bytes() <= 256 * 1024);
  for (std::uint64_t i = 0; i < 200; ++i) CHECK(table.erase(key_of(i)));
  std::uint64_t again = 0;
  for (std::uint64_t i = 0; i < 200; ++i) again += table.insert_or_assign(key_of(n + i), 1).has_value();
  CHECK(again > 100);  // the rest may want a chained bucket, for which there is no room
  frys::memtable<int> small(frys::memtable_options{.limit_bytes = 64 * 1024, .seed = 0});
  CHECK(small.limit_bytes() == 64 * 1024);
}

TEST_CASE("memtable: memory in use goes back to where it was when keys go") {
  frys::memtable<int> table;
  REQUIRE(table.reserve(20000));
  const std::size_t before = table.bytes();
  for (std::uint64_t i = 0; i < 20000; ++i) REQUIRE(table.insert_or_assign(key_of(i), 1));
  CHECK(table.bytes() > before);
  for (std::uint64_t i = 0; i < 20000; ++i) table.erase(key_of(i));
  CHECK(table.bytes() <= before);
  table.clear();
  CHECK(table.held_bytes() == 0);
}

#if FRYS_EXCEPTIONS
TEST_CASE("memtable: an exception of the callback passes, and the table is whole") {
  frys::memtable<int> table;
  for (int i = 0; i < 2000; ++i) REQUIRE(table.insert_or_assign(key_of(static_cast<std::uint64_t>(i)), 11u, i));
  int asked = 0;
  CHECK_THROWS_AS((void)table.sweep(0, 2000,
                                    [&](std::string_view, int&) -> bool {
                                      if (++asked == 100) throw 1;
                                      return true;
                                    }),
                  int);
  CHECK(table.size() == 1901);
  std::size_t n = 0;
  table.for_each([&](std::string_view, int&) { ++n; });
  CHECK(n == 1901);
  table.clear();
}
#endif
