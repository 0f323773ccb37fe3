#include <frys/queue/lookup_cache.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

using frys::lookup_cache;
namespace policy = frys::policy;

namespace {

struct dice_of {
  std::uint64_t state;
  std::uint64_t operator()() { return state = state * 6364136223846793005u + 1442695040888963407u, state >> 20; }
};
// All keys meet in one set, under one tag.
struct one_place {
  std::uint64_t operator()(int) const noexcept { return 7; }
};
template <std::size_t Ways>
using one_set = lookup_cache<int, int, policy::capacity<Ways>, policy::ways<Ways>>;

// The cache with the best memory: exact, least recently used.
class lru {
 public:
  explicit lru(std::size_t n) : most_(n) {}
  bool get(std::uint64_t key) {
    const auto found = at_.find(key);
    if (found == at_.end()) return false;
    order_.splice(order_.begin(), order_, found->second);
    return true;
  }
  void put(std::uint64_t key) {
    if (at_.size() == most_) {
      at_.erase(order_.back());
      order_.pop_back();
    }
    order_.push_front(key);
    at_[key] = order_.begin();
  }

 private:
  std::size_t most_;
  std::list<std::uint64_t> order_;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> at_;
};

}  // namespace

TEST_CASE("lookup_cache: what was put is got, the newest value of a key alone") {
  lookup_cache<int, double> cache;
  auto handle = cache.handle();
  CHECK_FALSE(handle.get(1));
  handle.put(1, 0.5);
  CHECK(*handle.get(1) == 0.5);
  handle.put(1, 1.5);
  CHECK(*handle.get(1) == 1.5);
  for (int i = 0; i < 100; ++i) handle.put(i, i);
  for (int i = 0; i < 100; ++i) CHECK(*handle.get(i) == i);
  CHECK(handle.stats().evictions == 0);
}

TEST_CASE("lookup_cache: values and keys of several words, whatever the hash") {
  struct point {
    std::uint32_t x, y, z;
    bool operator==(const point&) const = default;
  };
  struct by_x {
    std::uint32_t operator()(const point& p) const noexcept { return p.x; }
  };
  struct text {
    char of[40];
  };
  lookup_cache<point, text, policy::hash<by_x>> cache;
  auto handle = cache.handle();
  handle.put({1, 2, 3}, {"one"});
  handle.put({1, 2, 4}, {"two"});
  CHECK(handle.get({1, 2, 3})->of[0] == 'o');
  CHECK(handle.get({1, 2, 4})->of[0] == 't');
  CHECK_FALSE(handle.get({2, 2, 4}));
}

TEST_CASE("lookup_cache: a full set forgets what was not read since the hand came by") {
  const auto check = [](auto& cache) {
    constexpr int n = static_cast<int>(std::remove_reference_t<decltype(cache)>::ways);
    auto handle = cache.handle();
    for (int i = 0; i < n; ++i) handle.put(i, i);
    for (int i = 0; i < n; ++i) CHECK(handle.get(i));  // all were read
    handle.put(100, 100);                              // one gives way, and the marks of all are gone
    CHECK(handle.get(100));
    CHECK(handle.stats().evictions == 1);
    int here = 0;
    for (int i = 0; i < n; ++i) here += handle.get(i) ? 1 : 0;
    CHECK(here == n - 1);
    if (n < 4) return;
    // Of the others only those are read again and again that we name: they stay while strangers come and go.
    for (int i = 200; i < 300; ++i) {
      CHECK(handle.get(100));
      handle.put(i, i);
    }
    CHECK(handle.get(100));
  };
  one_set<1> one;
  check(one);
  one_set<2> two;
  check(two);
  one_set<4> four;
  check(four);
  one_set<8> eight;
  check(eight);
  lookup_cache<int, int, policy::capacity<8>, policy::hash<one_place>> met;
  check(met);
}

TEST_CASE("lookup_cache: of a skewed stream it remembers nearly as much as an exact LRU of its size") {
  auto cache = std::make_unique<lookup_cache<std::uint64_t, std::uint64_t>>();
  lru exact(1024);
  auto handle = cache->handle();
  dice_of dice{9};
  std::size_t hits = 0, exact_hits = 0;
  for (int i = 0; i < 200'000; ++i) {
    // Each halving of the range is as likely as the other: few keys often, many seldom.
    const std::uint64_t key = dice() % 8192 >> dice() % 13;
    if (const auto v = handle.get(key)) {
      CHECK_EQ(*v, key * 3);
      ++hits;
    } else {
      handle.put(key, key * 3);
    }
    if (exact.get(key))
      ++exact_hits;
    else
      exact.put(key);
  }
  INFO("hits ", hits, ", of an exact LRU ", exact_hits);
  CHECK(hits * 100 > exact_hits * 97);
  CHECK(cache->stats().hits == hits);
  CHECK(cache->stats().misses == 200'000 - hits);
}

TEST_CASE("lookup_cache: invalidate forgets one, clear forgets all at once") {
  lookup_cache<int, int> cache;
  auto handle = cache.handle();
  for (int i = 0; i < 200; ++i) handle.put(i, i);
  CHECK(cache.invalidate(7));
  CHECK_FALSE(cache.invalidate(7));
  CHECK_FALSE(cache.invalidate(7000));
  CHECK_FALSE(handle.get(7));
  CHECK(handle.get(8));
  cache.clear();
  for (int i = 0; i < 200; ++i) CHECK_FALSE(handle.get(i));
  CHECK_FALSE(cache.invalidate(8));
  handle.put(8, 9);
  CHECK(*handle.get(8) == 9);
  for (int i = 0; i < 200; ++i) CHECK(handle.get(i).has_value() == (i == 8));
}

TEST_CASE("lookup_cache: a ticket is void after a write to its set, an invalidate or a clear") {
  lookup_cache<int, int> cache;
  using ticket = lookup_cache<int, int>::ticket;
  auto handle = cache.handle();
  ticket t;
  CHECK_FALSE(handle.put_if(t, 1, 1));  // of no look
  CHECK_FALSE(handle.get(1, t));
  CHECK(handle.put_if(t, 1, 1));
  CHECK_FALSE(handle.put_if(t, 1, 2));  // used
  CHECK(*handle.get(1) == 1);
  CHECK(cache.invalidate(1));
  CHECK_FALSE(handle.get(1, t));
  CHECK_FALSE(cache.invalidate(1));  // was not there, and might have been put in
  CHECK_FALSE(handle.put_if(t, 1, 3));
  CHECK_FALSE(handle.get(1, t));
  cache.clear();
  CHECK_FALSE(handle.put_if(t, 1, 4));
  CHECK_FALSE(handle.get(1));
  CHECK(handle.stats().refusals == 4);
}

namespace {
// A key whose comparison may write to the cache, so that a look does not come to its end.
struct busy_key {
  int number;
  static inline void (*meanwhile)() = nullptr;
  friend bool operator==(const busy_key& a, const busy_key& b) {
    if (meanwhile != nullptr) meanwhile();
    return a.number == b.number;
  }
};
struct busy_hash {
  std::uint64_t operator()(const busy_key& k) const noexcept { return static_cast<std::uint64_t>(k.number % 2) * 2; }
};
using busy_cache = frys::lookup_cache<busy_key, int, policy::capacity<16>, policy::ways<8>, policy::hash<busy_hash>>;
busy_cache* busy = nullptr;
busy_cache::handle_type* writes = nullptr;
}  // namespace

TEST_CASE("lookup_cache: a look that gives up leaves no ticket, not the one of the look before either") {
  auto cache = std::make_unique<busy_cache>();
  auto handle = cache->handle(), writer = cache->handle();
  busy = cache.get(), writes = &writer;
  // Both sets have been written to equally often.
  handle.put(busy_key{2}, 2);
  handle.put(busy_key{3}, 3);
  busy_cache::ticket ticket;
  REQUIRE_FALSE(handle.get(busy_key{5}, ticket));
  busy_key::meanwhile = [] {
    auto* const again = std::exchange(busy_key::meanwhile, nullptr);
    (void)busy->invalidate(busy_key{2});
    writes->put(busy_key{2}, 2);
    busy_key::meanwhile = again;
  };
  REQUIRE_FALSE(handle.get(busy_key{4}, ticket));
  busy_key::meanwhile = nullptr;
  CHECK_FALSE(handle.put_if(ticket, busy_key{5}, 5));  // that look was long ago
  busy_cache::ticket hit = ticket;
  REQUIRE_FALSE(handle.get(busy_key{7}, hit));
  REQUIRE(handle.get(busy_key{3}, hit));
  CHECK_FALSE(handle.put_if(hit, busy_key{7}, 7));
}

TEST_CASE("lookup_cache: get_or computes what is not there, once, and not what changed meanwhile") {
  lookup_cache<int, int> cache;
  auto handle = cache.handle();
  int calls = 0;
  const auto load = [&](int k) { return ++calls, k * 2; };
  CHECK(handle.get_or(4, load) == 8);
  CHECK(handle.get_or(4, load) == 8);
  CHECK(calls == 1);
  CHECK(handle.get_or(5, [&](int k) {
    cache.invalidate(k);  // somebody changed it while we computed
    return 1;
  }) == 1);
  CHECK_FALSE(handle.get(5));
  // The computation may use the cache.
  CHECK(handle.get_or(6, [&](int) { return handle.get_or(70, load) + 1; }) == 141);
#if FRYS_EXCEPTIONS
  CHECK_THROWS_AS((void)handle.get_or(8, [](int) -> int { throw std::runtime_error("no"); }), std::runtime_error);
  CHECK_FALSE(handle.get(8));
  handle.put(8, 8);
#endif
}

TEST_CASE("lookup_cache: counts of all handles, also of those that are gone") {
  lookup_cache<int, int> cache;
  {
    auto a = cache.handle();
    a.put(1, 1);
    (void)a.get(1);
    {
      auto b = cache.handle();
      auto c = cache.handle();
      (void)b.get(1);
      (void)c.get(2);
    }
    auto d = cache.handle();
    (void)d.get(1);
    CHECK(cache.stats().hits == 3);
    CHECK(cache.stats().misses == 1);
    CHECK(a.stats().hits == 1);
  }
  CHECK(cache.stats().hits == 3);
  CHECK(cache.stats().misses == 1);
}

TEST_CASE("lookup_cache: on real threads a value is always whole and the key's own; nothing stale stays") {
  struct twice {
    std::uint64_t first, key, second;
  };
  auto cache = std::make_unique<lookup_cache<std::uint64_t, twice, policy::capacity<64>>>();
  std::vector<std::atomic<std::uint64_t>> truth(200);
  std::atomic<int> wrong{0};
  std::atomic<std::uint64_t> looks{0};
  std::vector<std::thread> all;
  for (unsigned t = 0; t < 8; ++t)
    all.emplace_back([&, t] {
      auto handle = cache->handle();
      dice_of dice{t};
      for (int i = 0; i < 4000; ++i) {
        const std::uint64_t key = dice() % truth.size();
        if (dice() % 16 == 0) {
          truth[key].fetch_add(1);
          cache->invalidate(key);
          continue;
        }
        if (dice() % 1000 == 0) cache->clear();
        const std::uint64_t least = truth[key].load();
        const twice v = handle.get_or(key, [&](std::uint64_t k) {
          const std::uint64_t now = truth[k].load();
          return twice{now, k, now};
        });
        ++looks;
        wrong += v.first != v.second || v.key != key;
        // Who raised the truth may not have invalidated yet; so one of each other thread may be missing.
        wrong += v.first + 8 < least;
      }
    });
  for (auto& t : all) t.join();
  CHECK(wrong.load() == 0);
  auto handle = cache->handle();
  for (std::uint64_t k = 0; k < truth.size(); ++k)
    if (const auto v = handle.get(k)) CHECK(v->first == truth[k].load());
  CHECK(cache->stats().hits + cache->stats().misses == looks.load() + truth.size());
}
