#include <frys/queue/seqlock.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

using frys::seqlock;
namespace policy = frys::policy;

namespace {
struct quad {
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  bool is_whole() const { return a == b && b == c && c == d; }
  static quad of(std::uint64_t n) { return {n, n, n, n}; }
};
struct odd_size {
  unsigned char bytes[13];
};
struct no_default {
  explicit no_default(int n) : value(n) {}
  int value;
};
struct move_only {
  int value = 0;
  move_only() = default;
  explicit move_only(int n) : value(n) {}
  move_only(const move_only&) = delete;
  move_only(move_only&&) = default;
  move_only& operator=(const move_only&) = delete;
  move_only& operator=(move_only&&) = default;
};
}  // namespace

TEST_CASE("seqlock: load answers what was stored last") {
  seqlock<quad> lock;
  CHECK(lock.load().a == 0);
  CHECK(lock.stores() == 0);
  for (std::uint64_t i = 1; i <= 100; ++i) {
    lock.store(quad::of(i));
    CHECK(lock.load().d == i);
    CHECK(lock.stores() == i);
  }
  seqlock<quad> begun(quad::of(7));
  CHECK(begun.load().b == 7);
}

TEST_CASE("seqlock: values of any size, without a default constructor, that only move") {
  odd_size value{};
  for (int i = 0; i < 13; ++i) value.bytes[i] = static_cast<unsigned char>(i + 1);
  seqlock<odd_size> odd(value);
  const odd_size back = odd.load();
  for (int i = 0; i < 13; ++i) CHECK(back.bytes[i] == i + 1);
  seqlock<char> small('x');
  CHECK(small.load() == 'x');
  CHECK_FALSE(std::is_default_constructible_v<seqlock<no_default>>);
  seqlock<no_default> given(no_default(3));
  CHECK(given.load().value == 3);
  seqlock<move_only> moved(move_only(5));
  CHECK(moved.load().value == 5);
  std::array<double, 100> many{};
  many[99] = 1.5;
  seqlock<std::array<double, 100>> large(many);
  CHECK(large.load()[99] == 1.5);
}

TEST_CASE("seqlock: a small value lies in one cache line with its sequence") {
  CHECK(sizeof(seqlock<std::uint64_t>) == 16);
  CHECK(sizeof(seqlock<std::array<std::uint64_t, 7>>) == 64);
  CHECK(alignof(seqlock<std::array<std::uint64_t, 7>>) == 64);
  CHECK(alignof(seqlock<quad>) == 64);
}

TEST_CASE("seqlock: try_load answers with the value, and leaves the caller's alone when it may not look") {
  seqlock<int> lock(4);
  int got = 0;
  CHECK(lock.try_load(got));
  CHECK(got == 4);
  got = 9;
  CHECK_FALSE(lock.try_load(got, 0));
  CHECK(got == 9);
}

TEST_CASE("seqlock: update changes the value; one that throws stores nothing") {
  seqlock<quad> lock(quad::of(1));
  lock.update([](quad& q) { q.a = 5; });
  CHECK(lock.load().a == 5);
  CHECK(lock.load().b == 1);
  lock.update_locked([](quad& q) { q.b = 6; });
  CHECK(lock.load().b == 6);
  lock.store_locked(quad::of(8));
  CHECK(lock.load().c == 8);
#if FRYS_EXCEPTIONS
  CHECK_THROWS_AS(lock.update([](quad&) { throw std::runtime_error("no"); }), std::runtime_error);
  CHECK_THROWS_AS(lock.update_locked([](quad&) { throw std::runtime_error("no"); }), std::runtime_error);
#endif
  CHECK(lock.load().is_whole());
  lock.store(quad::of(9));
  CHECK(lock.load().a == 9);
}

namespace {
// `readers` threads look while one writes: each sees whole values that never go back.
void one_writes(int readers, std::uint64_t stores) {
  seqlock<quad> lock;
  std::atomic<bool> done{false}, fine{true};
  std::vector<std::thread> threads;
  for (int r = 0; r < readers; ++r)
    threads.emplace_back([&] {
      std::uint64_t last = 0;
      while (!done.load()) {
        const quad q = lock.load();
        if (!q.is_whole() || q.a < last) fine = false;
        last = q.a;
      }
    });
  for (std::uint64_t i = 1; i <= stores; ++i) {
    lock.store(quad::of(i));
    if (i % 64 == 0) std::this_thread::yield();
  }
  done = true;
  for (auto& t : threads) t.join();
  CHECK(fine.load());
  CHECK(lock.load().a == stores);
}
// Each of `writers` threads counts, nothing is lost.
void many_write(int writers, std::uint64_t each) {
  seqlock<quad> lock;
  std::vector<std::thread> threads;
  std::atomic<bool> fine{true};
  for (int w = 0; w < writers; ++w)
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < each; ++i) {
        lock.update_locked([](quad& q) { q = quad::of(q.a + 1); });
        if (!lock.load().is_whole()) fine = false;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(fine.load());
  CHECK(lock.load().a == each * static_cast<std::uint64_t>(writers));
  CHECK(lock.stores() == each * static_cast<std::uint64_t>(writers));
}
}  // namespace

TEST_CASE("seqlock: a reader and a writer: whole values, never back") { one_writes(1, 100'000); }
TEST_CASE("seqlock: seven readers and a writer on whatever cores there are") { one_writes(7, 20'000); }
TEST_CASE("seqlock: two writers that update_locked lose nothing") { many_write(2, 20'000); }
TEST_CASE("seqlock: eight writers that update_locked lose nothing") { many_write(8, 2'000); }

TEST_CASE("seqlock: both atomics models fill the slot, named or by a world") {
  struct world {
    using atomics = frys::atomics::tsan;
  };
  seqlock<int, policy::atomics<frys::atomics::standard>> a(1);
  seqlock<int, policy::world<world>> b(1);
  CHECK(std::is_same_v<decltype(b)::atomics_type, frys::atomics::tsan>);
  b.store(2);
  CHECK(a.load() + b.load() == 3);
}
