#include <frys/memory/compacting_pool.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
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

using frys::compacting_pool;
namespace policy = frys::policy;

namespace {
struct tracked {
  inline static int alive = 0;
  inline static std::size_t moves = 0;
  std::unique_ptr<int> value;  // so that it moves only, and a leak or a second death is seen
  explicit tracked(int v) : value(std::make_unique<int>(v)) { ++alive; }
  tracked(tracked&& other) noexcept : value(std::move(other.value)) { ++alive, ++moves; }
  tracked& operator=(tracked&&) = delete;
  ~tracked() { --alive; }
};

// Random operations and steps of compaction, beside a std::unordered_map of all handles ever given.
template <class Pool>
void twin(std::uint32_t seed, int steps, bool ends) {
  using handle = typename Pool::handle;
  std::mt19937 engine(seed);
  const auto random = [&] { return static_cast<std::uint32_t>(engine()); };
  std::unordered_map<typename handle::word, int> model;
  std::vector<handle> given;
  std::unordered_set<handle> distinct;
  {
    Pool pool;
    typename Pool::pinned held;
    handle held_handle;
    const tracked* held_at = nullptr;
    int refusals = 0;
    for (int step = 0; step < steps; ++step) {
      const unsigned what = random() % 1000;
      const unsigned eager = (step / 400) % 2 == 0 ? 600 : 330;  // waves
      if (what < eager) {
        auto h = pool.emplace(step);
        if (!h) {
          REQUIRE(h.error() == frys::errc::limit_exceeded);
          ++refusals;
          continue;
        }
        REQUIRE(distinct.insert(*h).second);  // no handle is given twice
        model.emplace(h->bits(), step);
        given.push_back(*h);
      } else if (what < 900) {
        if (given.empty()) continue;
        const handle h = given[random() % given.size()];
        if (h == held_handle) continue;
        REQUIRE(pool.erase(h) == (model.erase(h.bits()) == 1));
        REQUIRE_FALSE(pool.contains(h));
      } else if (what < 990) {
        const std::size_t budget = random() % 80, before = tracked::moves;
        auto step_done = pool.compact(budget);
        REQUIRE(step_done);
        REQUIRE(step_done->moved == tracked::moves - before);
        REQUIRE(step_done->moved <= budget + Pool::group_size);
      } else if (what < 998) {
        held.reset();
        held_handle = {};
        if (given.empty()) continue;
        const handle h = given[given.size() - 1 - random() % std::min<std::size_t>(given.size(), 50)];
        held = pool.pin(h);
        REQUIRE(static_cast<bool>(held) == model.contains(h.bits()));
        if (held) held_handle = h, held_at = held.get();
      } else if (what == 998) {
        held.reset();
        held_handle = {};
        pool.clear();
        model.clear();
      } else {
        std::size_t told = 0;
        const Pool& seen = pool;
        seen.for_each([&](handle h, const tracked& c) {
          REQUIRE(model.at(h.bits()) == *c.value);
          ++told;
        });
        REQUIRE(told == model.size());
        for (const auto& [b, v] : model) REQUIRE(*pool.get(handle::from_bits(b))->value == v);
      }
      if (held) REQUIRE(pool.get(held_handle) == held_at);
      REQUIRE(pool.size() == model.size());
      REQUIRE(pool.slot_count() >= pool.size());
      REQUIRE(tracked::alive == static_cast<int>(model.size()));
      for (int look = 0; look < 4 && !given.empty(); ++look) {
        const std::size_t from = look < 2 && given.size() > 16 ? given.size() - 16 : 0;
        const handle h = given[from + random() % (given.size() - from)];
        const auto expected = model.find(h.bits());
        const tracked* value = pool.get(h);
        REQUIRE((value != nullptr) == (expected != model.end()));
        if (value != nullptr) REQUIRE(*value->value == expected->second);
      }
      const handle forged = handle::from_bits(static_cast<typename handle::word>(random() * 0x100000001ull));
      REQUIRE(pool.contains(forged) == (model.count(forged.bits()) == 1));
    }
    REQUIRE((refusals > 0) == ends);
  }
  CHECK(tracked::alive == 0);
}

struct particle {
  std::uint64_t words[8];
};
template <class Pool>
void compact_all(Pool& pool) {
  for (;;) {
    auto step = pool.compact(1000);
    REQUIRE(step);
    if (step->finished) return;
  }
}
}  // namespace

TEST_CASE("compacting_pool: a handle names its value wherever compaction puts it, and nothing after the erase") {
  compacting_pool<std::string> pool;
  std::vector<compacting_pool<std::string>::handle> all;
  for (int i = 0; i < 20'000; ++i)
    all.push_back(*pool.emplace("a text too long to be inline, number " + std::to_string(i)));
  const std::string* const before = pool.get(all[10'001]);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % 4 != 1) CHECK(pool.erase(all[i]));
  compact_all(pool);
  CHECK(pool.get(all[10'001]) != before);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string* s = pool.get(all[i]);
    REQUIRE((s != nullptr) == (i % 4 == 1));
    if (s != nullptr) REQUIRE(*s == "a text too long to be inline, number " + std::to_string(i));
  }
  CHECK_FALSE(pool.erase(all[0]));
  CHECK(pool.get({}) == nullptr);
  CHECK_FALSE(pool.pin(all[0]));
}

TEST_CASE("compacting_pool: after random erases and compaction, held bytes are at most 1.15 of the living ones") {
  using pages = counting_pages<310>;
  {
    compacting_pool<particle, policy::pages<pages>> pool;
    std::vector<decltype(pool)::handle> all;
    for (std::uint64_t i = 0; i < 200'000; ++i) all.push_back(*pool.emplace(particle{{i}}));
    CHECK(pool.fragmentation() < 0.13);
    std::mt19937 random(1);
    std::shuffle(all.begin(), all.end(), random);
    for (std::size_t i = 0; i < all.size() / 2; ++i) pool.erase(all[i]);
    CHECK(pool.fragmentation() > 0.5);
    compact_all(pool);
    const double live = static_cast<double>(pool.size() * sizeof(particle));
    CHECK(static_cast<double>(pages::held) / live <= 1.15);
    CHECK(pool.reserved() <= pages::held);
    CHECK(pool.fragmentation() <= 1 - 1 / 1.15);
    // A second pass has nothing to do.
    auto again = pool.compact();
    REQUIRE(again);
    CHECK(again->finished);
    CHECK(again->moved < 64 * 60);  // the last chunk at most
    for (std::size_t i = all.size() / 2; i < all.size(); ++i) REQUIRE(pool.contains(all[i]));
    for (std::size_t i = all.size() / 2; i < all.size(); ++i) pool.erase(all[i]);
    compact_all(pool);
    CHECK(pool.size() == 0);
    CHECK(pool.slot_count() == 0);
    CHECK(pages::held < 300 * 1024 + 200'000);  // a chunk, and the groups
  }
  CHECK(pages::held == 0);
}

TEST_CASE("compacting_pool: does what a std::unordered_map of all its handles does, moved about or not") {
  twin<compacting_pool<tracked>>(1, 12'000, false);
  twin<compacting_pool<tracked, policy::chunk_size<512>>>(2, 12'000, false);
  twin<compacting_pool<tracked, policy::chunk_size<4096>>>(3, 12'000, false);
  twin<compacting_pool<tracked, policy::chunk_size<1>>>(4, 6'000, false);
}

TEST_CASE("compacting_pool: and with indices and generations that are used up") {
  twin<compacting_pool<tracked, policy::handle_bits<8, 24>, policy::chunk_size<4096>>>(5, 12'000, true);
  twin<compacting_pool<tracked, policy::handle_bits<9, 8>, policy::chunk_size<2048>>>(6, 12'000, true);
  twin<compacting_pool<tracked, policy::handle_bits<4, 3>>>(7, 2'000, true);
}

TEST_CASE("compacting_pool: emplace moves nothing, and a pin holds a value over compaction") {
  compacting_pool<std::uint64_t, policy::chunk_size<4096>> pool;
  using handle = decltype(pool)::handle;
  std::vector<handle> all;
  for (std::uint64_t i = 0; i < 5000; ++i) all.push_back(*pool.insert(i));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % 8 != 3) pool.erase(all[i]);
  auto pin = pool.pin(all[2003]);
  const std::uint64_t* const at = pin.get();
  CHECK(*pin == 2003);
  compact_all(pool);
  CHECK(pool.get(all[2003]) == at);
  std::vector<const std::uint64_t*> places;
  for (std::size_t i = 3; i < all.size(); i += 8) places.push_back(pool.get(all[i]));
  for (std::uint64_t i = 0; i < 5000; ++i) (void)*pool.insert(i);
  bool same = true;
  for (std::size_t i = 3; i < all.size(); i += 8) same = same && pool.get(all[i]) == places[i / 8];
  CHECK(same);
  auto moved_pool = std::move(pool);  // pins go along
  decltype(pin) other = std::move(pin);
  CHECK_FALSE(pin);  // NOLINT: a moved-from pin is empty
  other.reset();
  moved_pool.for_each([&](handle h, std::uint64_t) {
    if (h.index() % 2 == 0) moved_pool.erase(h);
  });
  compact_all(moved_pool);
  CHECK(moved_pool.get(all[2003]) != at);
  CHECK(*moved_pool.get(all[2003]) == 2003);
}

TEST_CASE("compacting_pool: memory of which no value is left goes back without compaction") {
  using pages = counting_pages<311>;
  compacting_pool<std::uint64_t, policy::pages<pages>, policy::chunk_size<8192>> pool;
  std::vector<decltype(pool)::handle> all;
  for (std::uint64_t i = 0; i < 50'000; ++i) all.push_back(*pool.insert(i));
  const std::size_t full = pages::held;
  for (const auto h : all) pool.erase(h);
  CHECK(pages::held < full / 4);
  // A crowd that comes and goes is served by the spare chunk, and the same groups.
  for (int round = 0; round < 100; ++round) {
    const auto a = *pool.insert(1u), b = *pool.insert(2u);
    pool.erase(a);
    pool.erase(b);
  }
  const std::size_t allocations = pages::allocations;
  for (int round = 0; round < 1000; ++round) {
    const auto a = *pool.insert(1u), b = *pool.insert(2u);
    pool.erase(b);
    pool.erase(a);
  }
  CHECK(pages::allocations == allocations);
}

TEST_CASE("compacting_pool: a step is bounded, whatever there is to do") {
  compacting_pool<tracked, policy::chunk_size<16384>> pool;
  std::vector<decltype(pool)::handle> all;
  for (int i = 0; i < 20'000; ++i) all.push_back(*pool.emplace(i));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % 3 != 0) pool.erase(all[i]);
  const std::size_t before = tracked::moves;
  std::size_t steps = 0, longest = 0;
  for (;; ++steps) {
    const std::size_t start = tracked::moves;
    auto step = pool.compact(50);
    REQUIRE(step);
    longest = std::max(longest, tracked::moves - start);
    if (step->finished) break;
  }
  CHECK(longest <= 50 + pool.group_size);
  CHECK(steps > 50);
  CHECK(tracked::moves - before <= pool.size());  // each at most once in a pass
}

TEST_CASE("compacting_pool: constructors and destructors of T may use the pool, and compact it") {
  struct tree {
    using forest = compacting_pool<tree, policy::chunk_size<2048>>;
    forest* all;
    frys::slot_handle<tree> left, right;
    tree(forest& f, int depth) : all(&f) {
      if (depth == 0) return;
      left = *f.emplace(f, depth - 1);
      (void)f.compact(5);
      right = *f.emplace(f, depth - 1);
    }
    tree(tree&& other) noexcept
        : all(other.all), left(std::exchange(other.left, {})), right(std::exchange(other.right, {})) {}
    ~tree() {
      all->erase(left);
      if (right) (void)all->compact(5);
      all->erase(right);
    }
  };
  tree::forest pool;
  const auto root = *pool.emplace(pool, 9);
  CHECK(pool.size() == 1023);
  CHECK(pool.erase(pool.get(root)->left));
  CHECK(pool.size() == 512);
  CHECK(pool.erase(root));
  CHECK(pool.empty());
  (void)pool.emplace(pool, 7);
  pool.clear();
  CHECK(pool.empty());
  (void)pool.emplace(pool, 7);  // the pool's own end
}

TEST_CASE("compacting_pool: a source that refuses is errc::out_of_memory, and nothing is lost") {
  using pages = counting_pages<312>;
  {
    compacting_pool<tracked, policy::pages<pages>, policy::chunk_size<2048>> pool;
    pages::refuses = true;
    tracked one(1);
    CHECK(pool.insert(std::move(one)).error() == frys::errc::out_of_memory);
    CHECK(one.value != nullptr);  // NOLINT: a refused insert does not take it
    CHECK(pool.reserve(1).error() == frys::errc::out_of_memory);
    pages::refuses = false;
    std::vector<decltype(pool)::handle> all;
    // Refuses every second time that memory is asked for.
    int refused = 0;
    while (all.size() < 30'000) {
      pages::refuses = refused % 2 == 0;
      auto h = pool.emplace(static_cast<int>(all.size()));
      if (h) {
        all.push_back(*h);
        if (pool.size() == pool.slot_count()) refused = 0;
      } else {
        REQUIRE(h.error() == frys::errc::out_of_memory);
        ++refused;
      }
    }
    for (std::size_t i = 0; i < all.size(); ++i)
      if (i % 2 == 0) pool.erase(all[i]);
    int tries = 0;
    for (;; ++tries) {
      pages::refuses = tries % 2 == 0;
      auto step = pool.compact(100);
      if (!step) REQUIRE(step.error() == frys::errc::out_of_memory);
      if (step && step->finished) break;
    }
    pages::refuses = false;
    CHECK(tries > 10);
    bool same = true;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const tracked* t = pool.get(all[i]);
      same = same && (t != nullptr) == (i % 2 != 0) && (t == nullptr || *t->value == static_cast<int>(i));
    }
    CHECK(same);
  }
  CHECK(pages::held == 0);
  CHECK(tracked::alive == 0);
}

TEST_CASE("compacting_pool: policy::limit refuses with errc::limit_exceeded, also compact, and room is used again") {
  using pages = counting_pages<313>;
  compacting_pool<std::uint64_t, policy::limit<64 * 1024>, policy::chunk_size<8192>, policy::pages<pages>> pool;
  std::vector<decltype(pool)::handle> all;
  for (;;) {
    auto h = pool.insert(std::uint64_t{all.size()});
    if (!h) {
      CHECK(h.error() == frys::errc::limit_exceeded);
      break;
    }
    all.push_back(*h);
  }
  CHECK(all.size() > 2000);
  CHECK(pool.reserved() <= 64 * 1024);
  pool.erase(all[7]);
  CHECK(pool.insert(1u));
  for (std::size_t i = 0; i < all.size(); i += 2) pool.erase(all[i]);
  while (pool.slot_count() < all.size()) REQUIRE(pool.reserve(pool.slot_count() + 1));
  auto step = pool.compact();
  if (!step) CHECK(step.error() == frys::errc::limit_exceeded);
  for (std::size_t i = 1; i < all.size(); i += 2)
    if (i != 7) REQUIRE(*pool.get(all[i]) == i);
}

TEST_CASE("compacting_pool: a place without a value is poisoned where AddressSanitizer looks") {
  constexpr bool looks = FRYS_ASAN != 0;
  compacting_pool<std::uint64_t> pool;
  const auto a = *pool.insert(1u), b = *pool.insert(2u);
  std::uint64_t* const dead = pool.get(a);
  std::uint64_t* const moved = pool.get(b);
  CHECK_FALSE(frys::is_poisoned(dead));
  CHECK(frys::is_poisoned(moved + 1) == looks);
  pool.erase(a);
  CHECK(frys::is_poisoned(dead) == looks);
  CHECK_FALSE(frys::is_poisoned(moved));
  std::vector<decltype(pool)::handle> all;
  for (std::uint64_t i = 0; i < 40'000; ++i) all.push_back(*pool.insert(i));
  for (std::size_t i = 0; i < all.size(); i += 2) pool.erase(all[i]);
  (void)pool.pin(all[1]);
  auto hold = pool.pin(all[1]);  // so that the chunk stays
  const std::uint64_t* const away = pool.get(all[101]);
  compact_all(pool);
  CHECK(pool.get(all[101]) != away);
  CHECK(frys::is_poisoned(away) == looks);
  CHECK_FALSE(frys::is_poisoned(pool.get(all[101])));
}

TEST_CASE("compacting_pool: an over-aligned type stands on its alignment, moved too") {
  struct alignas(256) wide {
    char bytes[300];
  };
  compacting_pool<wide> pool;
  std::vector<decltype(pool)::handle> all;
  for (int i = 0; i < 3000; ++i) all.push_back(*pool.emplace());
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % 3 != 0) pool.erase(all[i]);
  compact_all(pool);
  pool.for_each([](const wide& w) { REQUIRE(reinterpret_cast<std::uintptr_t>(&w) % 256 == 0); });
}

#if FRYS_EXCEPTIONS
TEST_CASE("compacting_pool: a constructor that throws leaves the pool as it was") {
  struct picky {
    explicit picky(int i) {
      if (i < 0) throw std::runtime_error("negative");
    }
    std::uint64_t filler[4] = {1, 2, 3, 4};
  };
  compacting_pool<picky> pool;
  for (int i = 0; i < 5; ++i) CHECK_THROWS_AS((void)pool.emplace(-1), std::runtime_error);
  CHECK(pool.empty());
  const auto a = *pool.emplace(1);
  for (int i = 0; i < 5; ++i) CHECK_THROWS_AS((void)pool.emplace(-1), std::runtime_error);
  CHECK(pool.size() == 1);
  CHECK(pool.contains(a));
  const std::size_t room = pool.slot_count();
  for (std::size_t i = 1; i < room; ++i) (void)*pool.emplace(1);
  CHECK(pool.slot_count() == room);
}
#endif
