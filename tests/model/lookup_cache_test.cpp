#include <frys/queue/lookup_cache.hpp>

#include "blocks.hpp"

#include <cstdint>

namespace {

using namespace blocks;
namespace policy = frys::policy;

struct both {  // two words
  std::uint64_t a, b;
};
struct same_hash {
  std::uint64_t operator()(int) const noexcept { return 1; }
};
template <std::size_t Ways>
using cache_of =
    frys::lookup_cache<int, both, policy::capacity<Ways>, policy::ways<Ways>, policy::hash<same_hash>, with_model>;

// A reader against one that writes twice: whole values, never older ones.
template <std::size_t Ways>
void read_against_writes() {
  cache_of<Ways> cache;
  auto reader = cache.handle(), writer = cache.handle();
  writer.put(1, {1, 1});
  A::var<int> before{0};
  model::threads(
      [&] {
        std::uint64_t last = 0;
        for (int i = 0; i < 2; ++i) {
          const auto v = reader.get(1);
          if (!v) continue;
          model::require(v->a == v->b, "it is whole");
          model::require(v->a >= last, "and never gets older");
          if (v->a == 2) model::require(before.get() == 7, "what came before the put is there");
          last = v->a;
        }
      },
      [&] {
        before.ref() = 7;
        writer.put(1, {2, 2});
      });
  model::require(reader.get(1)->a == 2, "the last one stays");
}
// Two that write, to one set: keys do not get each other's values, and the set is whole afterwards.
template <std::size_t Ways>
void two_write() {
  cache_of<Ways> cache;
  auto a = cache.handle(), b = cache.handle();
  model::threads([&] { a.put(1, {10, 10}); }, [&] { b.put(2, {20, 20}); });
  auto c = cache.handle();
  const auto one = c.get(1), two = c.get(2);
  if (Ways > 1) model::require(one && two, "there is room for both");
  model::require(one || two, "the last one stays");
  if (one) model::require(one->a == 10 && one->b == 10, "of its own key");
  if (two) model::require(two->a == 20 && two->b == 20, "of its own key");
}
// Another key takes the place of the one that is read.
void read_against_eviction() {
  cache_of<1> cache;
  auto reader = cache.handle(), writer = cache.handle();
  writer.put(1, {1, 1});
  model::threads(
      [&] {
        if (const auto v = reader.get(1)) model::require(v->a == 1 && v->b == 1, "of its own key");
      },
      [&] {
        writer.put(2, {2, 2});
      });
  model::require(writer.get(2)->a == 2, "it is there");
}
// Two full sets of marks and a hand: readers and writers at once.
void hand() {
  cache_of<2> cache;
  auto reader = cache.handle(), writer = cache.handle(), other = cache.handle();
  writer.put(1, {1, 1});
  writer.put(2, {2, 2});
  model::threads([&] { (void)reader.get(1); }, [&] { writer.put(3, {3, 3}); }, [&] { other.put(4, {4, 4}); });
  model::require(writer.get(3) || writer.get(4), "the last one stays");
}

// What is computed from an old truth does not stay behind an invalidate, nor behind a clear.
template <bool All>
void nothing_stale_stays() {
  cache_of<2> cache;
  auto handle = cache.handle();
  A::atomic<std::uint64_t> truth{1};
  model::threads(
      [&] {
        (void)handle.get_or(1, [&](int) {
          const std::uint64_t now = truth.load(std::memory_order_relaxed);
          return both{now, now};
        });
      },
      [&] {
        truth.store(2, std::memory_order_relaxed);
        if constexpr (All)
          cache.clear();
        else
          cache.invalidate(1);
      });
  auto after = cache.handle();
  if (const auto v = after.get(1)) model::require(v->a == 2, "what is left is the truth");
}
// Whoever comes after an invalidate does not find what was there.
void invalidate_is_seen() {
  cache_of<2> cache;
  auto reader = cache.handle(), writer = cache.handle();
  writer.put(1, {1, 1});
  writer.put(2, {2, 2});
  A::atomic<int> told{0};
  model::threads(
      [&] {
        if (told.load(std::memory_order_acquire) == 1) {
          model::require(!reader.get(1), "it is forgotten");
          model::require(reader.get(2).has_value(), "the other one is not");
        }
      },
      [&] {
        model::require(cache.invalidate(1), "it was there");
        told.store(1, std::memory_order_release);
      });
}
void clear_is_seen() {
  cache_of<2> cache;
  auto reader = cache.handle(), writer = cache.handle();
  writer.put(1, {1, 1});
  A::atomic<int> told{0};
  model::threads(
      [&] {
        if (told.load(std::memory_order_acquire) == 1) {
          const auto v = reader.get(1);
          model::require(!v || v->a == 3, "it is forgotten");
        }
      },
      [&] {
        cache.clear();
        told.store(1, std::memory_order_release);
        writer.put(1, {3, 3});
      });
  model::require(writer.get(1)->a == 3, "what is put after it is there");
}
// Handles come and go while others count.
void counts() {
  cache_of<1> cache;
  auto stays = cache.handle();
  model::threads(
      [&] {
        auto comes = cache.handle();
        (void)comes.get(1);
      },
      [&] {
        (void)stays.get(1);
        model::require(cache.stats().misses >= 1, "its own is counted");
      });
  model::require(cache.stats().misses == 2, "each is counted once");
}

TEST_CASE("lookup_cache under the model: values are whole, newer ones follow older ones") {
  holds(&read_against_writes<1>);
  holds(&read_against_writes<2>);
  holds(&read_against_eviction);
}
TEST_CASE("lookup_cache under the model: writers of one set") {
  holds_at_random(&two_write<1>);
  holds_at_random(&two_write<2>);
  holds_at_random(&hand);
}
TEST_CASE("lookup_cache under the model: nothing stale stays") {
  holds(&nothing_stale_stays<false>);
  holds(&nothing_stale_stays<true>);
  holds(&invalidate_is_seen);
  holds(&clear_is_seen);
}
// A get comes to its end in so many steps, whatever a writer does and wherever it is stopped.
template <std::size_t Ways>
void get_against_writer() {
  cache_of<Ways> cache;
  auto reader = cache.handle(), writer = cache.handle();
  writer.put(1, {1, 1});
  model::threads([&] { (void)reader.get(1); }, [&] { writer.put(1, {2, 2}); });
}

TEST_CASE("lookup_cache under the model: a get is wait-free") {
  // Each of 4 tries: a pause, the sequence, the generations, the tags, two words of 8 bytes and the key, two looks at
  // the sequence; a mark at the end. The writer takes fewer.
  const model::report r = model::check(model::exhaustive{.most_thread_steps = 44}, &get_against_writer<1>);
  INFO(r.text());
  CHECK(r.passed());
  CHECK(r.complete);
  CHECK(model::check(model::lock_freedom{.executions = 500}, &get_against_writer<2>).passed());
  CHECK_FALSE(model::check(model::exhaustive{.most_thread_steps = 11}, &get_against_writer<1>).passed());
}
TEST_CASE("lookup_cache under the model: each look is counted") { holds(&counts); }

}  // namespace
