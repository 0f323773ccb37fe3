#include <frys/queue/sharded_map.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <frys/memory/qsbr_domain.hpp>

using frys::sharded_map;
namespace policy = frys::policy;

namespace {

struct dice_of {
  std::uint64_t state;
  std::uint64_t operator()() { return state = state * 6364136223846793005u + 1442695040888963407u, state >> 20; }
};
// Counts those that live.
struct counted {
  static inline std::atomic<int> alive{0};
  explicit counted(int n) : value(n) { ++alive; }
  counted(const counted& other) : value(other.value) { ++alive; }
  ~counted() {
    value = -1;
    --alive;
  }
  int value;
};
// A number that is not a word of its own to a map: entries with it are allocated.
struct number {
  number(int n = 0) : value(n) {}
  ~number() {}  // NOLINT: so it is not trivially copyable
  number(const number&) = default;
  number& operator=(const number&) = default;
  operator int() const { return value; }
  number& operator+=(int n) { return value += n, *this; }
  int value;
};
// All keys meet.
struct one_place {
  std::uint64_t operator()(int) const noexcept { return 7; }
};
// Refuses after `left` allocations.
struct few_pages {
  static inline int left = 0;
  static inline int alive = 0;
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    if (left == 0) return frys::error{frys::errc::out_of_memory, frys::domain::memory, "the test has no more pages", 0};
    --left;
    ++alive;
    return frys::heap_pages::allocate(size);
  }
  static void release(frys::byte_span memory) noexcept {
    --alive;
    frys::heap_pages::release(memory);
  }
};

template <class Map, class Domain>
void like_its_twin(Domain& domain, int keys, int steps) {
  Map map;
  auto seat = *domain.join();
  std::unordered_map<int, int> twin;
  dice_of dice{3};
  for (int i = 0; i < steps; ++i) {
    const int k = static_cast<int>(dice() % static_cast<unsigned>(keys));
    switch (dice() % 6) {
      case 0:
      case 1:
        REQUIRE(*map.insert(seat, k, i) == twin.emplace(k, i).second);
        break;
      case 2:
        REQUIRE(*map.insert_or_assign(seat, k, i) == twin.insert_or_assign(k, i).second);
        break;
      case 3: {
        const auto found = twin.find(k);
        if (found != twin.end()) found->second += 5;
        REQUIRE(*map.update(seat, k, [](auto& v) { v += 5; }) == (found != twin.end()));
        break;
      }
      default:
        REQUIRE(*map.erase(seat, k) == (twin.erase(k) == 1));
        break;
    }
    REQUIRE(map.size_hint() == twin.size());
    const int other = static_cast<int>(dice() % static_cast<unsigned>(keys));
    const auto found = map.find(seat, other);
    const auto expected = twin.find(other);
    REQUIRE(static_cast<bool>(found) == (expected != twin.end()));
    if (found) REQUIRE(*found == expected->second);
    if constexpr (requires { seat.offline(); }) seat.quiesce();
  }
  std::map<int, int> all;
  map.for_each(seat, [&](int k, int v) { REQUIRE(all.emplace(k, v).second); });
  REQUIRE(all == std::map<int, int>(twin.begin(), twin.end()));
}

}  // namespace

TEST_CASE("sharded_map: finds, inserts, replaces, changes and erases as a map does, over each domain with pins") {
  CHECK(sharded_map<int, int>::entries_are_words);
  CHECK_FALSE(sharded_map<int, number>::entries_are_words);
  CHECK_FALSE(sharded_map<int, std::atomic<int>>::entries_are_words);  // may not be copied
  CHECK_FALSE(sharded_map<int, std::pair<int, std::uint64_t>>::entries_are_words);
  const auto over_all = []<class Value>(std::type_identity<Value>) {
    frys::epoch_domain<> epochs;
    like_its_twin<sharded_map<int, Value>>(epochs, 3000, 30'000);
    like_its_twin<sharded_map<int, Value, policy::shards<1>>>(epochs, 500, 20'000);
    like_its_twin<sharded_map<int, Value, policy::shards<1>, policy::hash<one_place>>>(epochs, 100, 10'000);
    like_its_twin<sharded_map<int, Value, policy::hash<std::hash<int>>>>(epochs, 3000, 20'000);
    frys::qsbr_domain<> quiet;
    like_its_twin<sharded_map<int, Value, policy::reclaimer<frys::qsbr_domain<>>>>(quiet, 300, 10'000);
  };
  over_all(std::type_identity<int>());
  over_all(std::type_identity<number>());
}

TEST_CASE("sharded_map: a key is found however many share its place, and when others there have gone") {
  const auto check = []<class Value>(std::type_identity<Value>) {
    frys::epoch_domain<> domain;
    sharded_map<int, Value, policy::shards<1>, policy::hash<one_place>> map;
    auto seat = *domain.join();
    for (int i = 0; i < 400; ++i) REQUIRE(*map.insert(seat, i, i));  // beyond the 255 that a group counts
    for (int i = 0; i < 400; i += 2) REQUIRE(*map.erase(seat, i));
    for (int i = 0; i < 400; ++i) REQUIRE(map.contains(seat, i) == (i % 2 == 1));
    for (int i = 0; i < 400; i += 2) REQUIRE(*map.insert(seat, i, -i));
    for (int i = 0; i < 400; ++i) REQUIRE(*map.get(seat, i) == (i % 2 == 1 ? i : -i));
  };
  check(std::type_identity<int>());
  check(std::type_identity<number>());
}

TEST_CASE("sharded_map: words of any kind: texts by their pointer, floats, enumerations, small structs") {
  enum class kind : unsigned char { a, b };
  struct spot {
    std::int16_t x, y;
    bool operator==(const spot&) const = default;
  };
  struct hash_of_spot {
    std::uint64_t operator()(spot s) const noexcept {
      return frys::hash_integer(static_cast<std::uint64_t>(s.x) << 16 ^ static_cast<std::uint64_t>(s.y));
    }
  };
  frys::epoch_domain<> domain;
  auto seat = *domain.join();
  sharded_map<spot, double, policy::hash<hash_of_spot>> heights;
  CHECK(heights.entries_are_words);
  CHECK(*heights.insert(seat, spot{1, -2}, 0.5));
  CHECK(*heights.update(seat, spot{1, -2}, [](double& v) { v *= -3; }));
  CHECK(*heights.get(seat, spot{1, -2}) == -1.5);
  CHECK_FALSE(heights.contains(seat, spot{1, 2}));
  sharded_map<const char*, kind> kinds;
  CHECK(kinds.entries_are_words);
  CHECK(*kinds.insert(seat, "one", kind::b));
  CHECK(*kinds.get(seat, std::string("one")) == kind::b);  // a text is its bytes
  CHECK_FALSE(*kinds.insert(seat, "one", kind::a));
}

TEST_CASE("sharded_map: texts and bytes look each other up; values of any kind") {
  frys::epoch_domain<> domain;
  sharded_map<std::string, std::unique_ptr<std::string>> map;
  auto seat = *domain.join();
  CHECK(*map.insert(seat, "one", std::make_unique<std::string>("1")));
  CHECK(*map.insert(seat, std::string("a key that does not fit inside of a string"), nullptr));
  CHECK_FALSE(*map.insert(seat, std::string_view("one"), nullptr));
  CHECK(**map.find(seat, std::string_view("one")) == "1");
  CHECK(**map.find(seat, frys::as_bytes("one")) == "1");
  const auto found = map.find(seat, "a key that does not fit inside of a string");
  REQUIRE(found);
  CHECK(found.key().size() == 42);
  CHECK(found.value() == nullptr);
  CHECK_FALSE(map.find(seat, ""));
  CHECK(*map.erase(seat, frys::as_bytes("one")));
  CHECK_FALSE(map.contains(seat, "one"));
  // A value that is put in only when the key is new keeps what it is given otherwise.
  auto kept = std::make_unique<std::string>("kept");
  CHECK_FALSE(*map.insert(seat, "a key that does not fit inside of a string", std::move(kept)));
  CHECK(kept != nullptr);  // NOLINT: not moved from
}

TEST_CASE("sharded_map: an entry that is held stays as it was; each value is destroyed once") {
  {
    frys::epoch_domain<> domain;
    sharded_map<int, counted> map;
    auto seat = *domain.join();
    auto other = *domain.join();
    CHECK(*map.insert(seat, 1, 10));
    {
      const auto held = map.find(seat, 1);
      CHECK(*map.update(other, 1, [](counted& c) { c.value = 11; }));
      CHECK(map.find(seat, 1)->value == 11);
      CHECK(*map.erase(other, 1));
      CHECK_FALSE(map.find(seat, 1));
      CHECK(*map.insert(other, 1, 12));
      other.quiesce();
      CHECK(held->value == 10);
    }
    for (int i = 0; i < 1000; ++i) CHECK(map.insert_or_assign(seat, i % 300, i));
    seat.quiesce();
    CHECK(domain.garbage() == 2);  // the other seat's, until it goes
  }
  CHECK(counted::alive.load() == 0);
}

TEST_CASE("sharded_map: what a constructor or a change throws leaves the map as it was") {
#if FRYS_EXCEPTIONS
  struct picky {
    explicit picky(int n) : value(n) {
      if (n < 0) throw std::runtime_error("no");
    }
    int value;
  };
  frys::epoch_domain<> domain;
  sharded_map<int, picky, policy::shards<1>> map;
  auto seat = *domain.join();
  CHECK_THROWS_AS((void)map.insert(seat, 1, -1), std::runtime_error);
  CHECK(map.size_hint() == 0);
  CHECK(*map.insert(seat, 1, 1));
  CHECK_THROWS_AS((void)map.insert_or_assign(seat, 1, -1), std::runtime_error);
  CHECK_THROWS_AS((void)map.update(seat, 1, [](picky&) { throw std::runtime_error("no"); }), std::runtime_error);
  CHECK(map.find(seat, 1)->value == 1);
  CHECK(*map.insert(seat, 2, 2));  // the lock is free
#endif
}

TEST_CASE("sharded_map: a memory source that refuses") {
  const auto check = []<class Value>(std::type_identity<Value>, int places) {
    {
      frys::epoch_domain<> domain;
      sharded_map<int, Value, policy::shards<1>, policy::pages<few_pages>> map;
      auto seat = *domain.join();
      few_pages::left = 0;
      CHECK(map.insert(seat, 1, 1).error().code == frys::errc::out_of_memory);
      CHECK_FALSE(*map.erase(seat, 1));
      few_pages::left = 1;
      int in = 0;
      while (map.insert(seat, in, in)) ++in;  // until there is no place at all
      CHECK(in == places);
      for (int i = 0; i < in; ++i) REQUIRE(*map.get(seat, i) == i);
      CHECK_FALSE(map.contains(seat, in));
      CHECK_FALSE(*map.insert_or_assign(seat, 5, 6));  // in the place of another
      few_pages::left = 1;
      CHECK(*map.insert(seat, in, in));
      CHECK(map.contains(seat, in));
    }
    CHECK(few_pages::alive == 0);
  };
  check(std::type_identity<number>(), 63 * 7);
  check(std::type_identity<int>(), 63 * 3);
}

TEST_CASE("sharded_map: an entry of words is a copy: it keeps nothing from being reclaimed, and nothing is retired") {
  frys::epoch_domain<> domain;
  sharded_map<int, int> map;
  auto seat = *domain.join();
  REQUIRE(*map.insert(seat, 1, 10));
  const auto held = map.find(seat, 1);
  for (int i = 0; i < 1000; ++i) REQUIRE(map.insert_or_assign(seat, 1, i));
  REQUIRE(*map.erase(seat, 1));
  CHECK(domain.garbage() == 0);
  CHECK(*held == 10);
  CHECK(held.key() == 1);
}

TEST_CASE("sharded_map: a reader that stays keeps a shard of words from growing, once its garbage is full") {
  using domain_type = frys::epoch_domain<policy::garbage<2>, policy::batch<1>>;
  domain_type domain;
  sharded_map<int, int, policy::shards<1>, policy::reclaimer<domain_type>> map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  int in = 0;
  {
    const auto stays = reader.pin();
    for (; map.insert(writer, in, in); ++in) REQUIRE(in < 100'000);
    CHECK(map.insert(writer, in, in).error().code == frys::errc::full);
    for (int i = 0; i < in; ++i) REQUIRE(*map.get(reader, i) == i);
  }
  CHECK(*map.insert(writer, in, in));
  CHECK(map.size_hint() == static_cast<std::size_t>(in) + 1);
}

TEST_CASE("sharded_map: a reader that stays makes writes answer full, and nothing has changed") {
  using domain_type = frys::epoch_domain<policy::garbage<4>, policy::batch<1>>;
  domain_type domain;
  sharded_map<int, number, policy::reclaimer<domain_type>> map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  REQUIRE(*map.insert(writer, 1, 0));
  {
    const auto stays = map.find(reader, 1);
    int i = 1;
    for (;; ++i) {
      REQUIRE(i < 100);
      const auto done = map.insert_or_assign(writer, 1, i);
      if (done) continue;
      CHECK(done.error().code == frys::errc::full);
      break;
    }
    CHECK(map.erase(writer, 1).error().code == frys::errc::full);
    CHECK(*map.find(reader, 1) == i - 1);
    CHECK(*stays == 0);
  }
  CHECK(*map.erase(writer, 1));
}

namespace {
// Values that say which key they belong to, after changes too.
struct texts {
  using type = std::string;
  static type of(std::uint64_t key) { return std::to_string(key); }
  static void change(type& v) { v += ' '; }
  static bool fits(const type& v, std::uint64_t key) { return std::stoull(v) == key; }
};
struct words {
  using type = std::uint64_t;
  static type of(std::uint64_t key) { return key << 32; }
  static void change(type& v) { ++v; }
  static bool fits(const type& v, std::uint64_t key) { return v >> 32 == key; }
};

template <class Values>
void readers_and_writers() {
  frys::epoch_domain<> domain;
  sharded_map<std::uint64_t, typename Values::type, policy::shards<2>> map;
  constexpr std::uint64_t steady = 100, changing = 400;
  {
    auto seat = *domain.join();
    for (std::uint64_t k = 0; k < steady; ++k) REQUIRE(*map.insert(seat, k, Values::of(k)));
  }
  std::atomic<int> writing{4}, wrong{0};
  std::vector<std::thread> all;
  for (unsigned t = 0; t < 4; ++t)
    all.emplace_back([&, t] {  // its own keys, beside those of others
      auto seat = *domain.join();
      dice_of dice{t};
      std::vector<bool> in(changing);
      for (int i = 0; i < 4000; ++i) {
        const std::uint64_t k = dice() % changing, key = steady + k * 4 + t;
        switch (dice() % 3) {
          case 0:
            wrong += *map.insert(seat, key, Values::of(key)) == in[k];
            in[k] = true;
            break;
          case 1:
            wrong += *map.erase(seat, key) != in[k];
            in[k] = false;
            break;
          default:
            wrong += *map.update(seat, key, &Values::change) != in[k];
        }
        wrong += map.contains(seat, key) != in[k];
      }
      --writing;
    });
  for (unsigned t = 0; t < 4; ++t)
    all.emplace_back([&, t] {
      auto seat = *domain.join();
      dice_of dice{t + 100};
      for (int i = 0; writing.load() != 0 || i < 100; ++i) {
        const std::uint64_t key = dice() % (steady + changing * 4);
        const auto found = map.find(seat, key);
        if (key < steady)
          wrong += !found || *found != Values::of(key);
        else if (found)
          wrong += found.key() != key || !Values::fits(*found, key);
        if (i % 64 == 0) {
          std::size_t seen = 0;
          map.for_each(seat, [&](std::uint64_t k, const auto& v) {
            seen += k < steady;
            wrong += !Values::fits(v, k);
          });
          wrong += seen != steady;
        }
      }
    });
  for (auto& t : all) t.join();
  CHECK(wrong.load() == 0);
}

}  // namespace

TEST_CASE("sharded_map: readers and writers on real threads: what is read was written, what stays is always found") {
  readers_and_writers<texts>();
  readers_and_writers<words>();
}

TEST_CASE("sharded_map: many threads count in the same few keys: no change is lost") {
  const auto check = []<class Value>(std::type_identity<Value>) {
    frys::epoch_domain<> domain;
    sharded_map<int, Value, policy::shards<1>> map;
    std::vector<std::thread> all;
    for (unsigned t = 0; t < 8; ++t)
      all.emplace_back([&] {
        auto seat = *domain.join();
        for (int i = 0; i < 1000; ++i) {
          (void)map.insert(seat, i % 3, 0);
          while (!map.update(seat, i % 3, [](auto& v) { v += 1; })) {  // full: a reader is in the way
            std::this_thread::yield();
          }
        }
      });
    for (auto& t : all) t.join();
    auto seat = *domain.join();
    CHECK(*map.get(seat, 0) + *map.get(seat, 1) + *map.get(seat, 2) == 8000);
  };
  check(std::type_identity<int>());
  check(std::type_identity<number>());
}
