#include <frys/core/atomics.hpp>
#include <frys/core/clock.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <type_traits>

namespace {

using namespace std::chrono_literals;

// Dekker: with a seq_cst fence between own store and the other's load, both threads cannot miss each other.
template <class A>
int both_missed(int rounds) {
  int missed = 0;
  for (int i = 0; i < rounds; ++i) {
    typename A::template atomic<std::uint32_t> x{0}, y{0}, go{0};
    std::uint32_t saw_x = 2, saw_y = 2;
    std::thread other([&] {
      while (go.load(std::memory_order_acquire) == 0) A::pause();
      y.store(1, std::memory_order_relaxed);
      A::fence(std::memory_order_seq_cst);
      saw_x = x.load(std::memory_order_relaxed);
    });
    go.store(1, std::memory_order_release);
    x.store(1, std::memory_order_relaxed);
    A::fence(std::memory_order_seq_cst);
    saw_y = y.load(std::memory_order_relaxed);
    other.join();
    if (saw_x == 0 && saw_y == 0) ++missed;
  }
  return missed;
}

}  // namespace

TEST_CASE("atomics: real and tsan are models, real's atomic is std::atomic") {
  static_assert(frys::atomics_model<frys::atomics::real>);
  static_assert(frys::atomics_model<frys::atomics::tsan>);
  static_assert(frys::atomics_model<frys::atomics::standard>);
  static_assert(!frys::atomics_model<int>);
  static_assert(std::is_same_v<frys::atomics::real::atomic<int>, std::atomic<int>>);
  CHECK(sizeof(frys::atomics::real::var<std::uint64_t>) == sizeof(std::uint64_t));
}

TEST_CASE("atomics: a var holds its value") {
  frys::atomics::real::var<int> v(3);
  CHECK(v.get() == 3);
  v.ref() = 4;
  CHECK(v.get() == 4);
  CHECK(frys::atomics::real::var<int>().get() == 0);
}

TEST_CASE("atomics: a fence of either model keeps two threads from missing each other") {
  CHECK(both_missed<frys::atomics::standard>(300) == 0);
  CHECK(both_missed<frys::atomics::tsan>(300) == 0);
}

TEST_CASE("atomics: wait returns at once when the word differs") {
  frys::atomics::real::atomic<std::uint32_t> word{1};
  CHECK(frys::atomics::real::wait(word, 0, frys::deadline::never()));
  CHECK(frys::atomics::real::wait(word, 0, frys::deadline::now()));
}

TEST_CASE("atomics: wait answers false for a deadline that has passed, however long ago") {
  frys::atomics::real::atomic<std::uint32_t> word{0};
  CHECK_FALSE(frys::atomics::real::wait(word, 0, frys::deadline::now()));
  CHECK_FALSE(frys::atomics::real::wait(word, 0, frys::deadline{0ns}));
  CHECK_FALSE(frys::atomics::real::wait(word, 0, frys::deadline{-1ns}));
  CHECK_FALSE(frys::atomics::real::wait(word, 0, frys::deadline{frys::clocks::steady::now() - 1ns}));
}

TEST_CASE("atomics: wait sleeps until the deadline, not less") {
  frys::atomics::real::atomic<std::uint32_t> word{0};
  const frys::deadline until = frys::deadline::after<frys::clocks::steady>(3ms);
  while (frys::atomics::real::wait(word, 0, until)) {
  }
  CHECK(until.has_passed<frys::clocks::steady>());
}

TEST_CASE("atomics: notify wakes sleepers") {
  frys::atomics::real::atomic<std::uint32_t> word{0};
  auto sleeper = [&] {
    while (word.load(std::memory_order_acquire) == 0) frys::atomics::real::wait(word, 0, frys::deadline::never());
  };
  std::thread a(sleeper), b(sleeper);
  std::this_thread::sleep_for(1ms);
  word.store(1, std::memory_order_release);
  frys::atomics::real::notify_all(word);
  a.join();
  b.join();
  word.store(0);
  std::thread c(sleeper);
  word.store(1, std::memory_order_release);
  frys::atomics::real::notify_one(word);
  c.join();
}

TEST_CASE_TEMPLATE("atomics: memory, time and choices come from the model", A, frys::atomics::real,
                   frys::atomics::tsan) {
  for (const std::size_t alignment : {std::size_t{1}, std::size_t{8}, std::size_t{64}, std::size_t{4096}})
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{5000}}) {
      void* p = A::alloc(bytes, alignment);
      REQUIRE(p != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      std::memset(p, 0xa5, bytes);
      A::free(p);
    }
  CHECK(reinterpret_cast<std::uintptr_t>(A::alloc(SIZE_MAX - 8)) == 0);
  A::free(nullptr);
  const std::uint64_t before = A::now();
  CHECK(A::now() >= before);
  bool seen[3] = {};
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t n = A::choose(3);
    REQUIRE(n < 3);
    seen[n] = true;
  }
  CHECK((seen[0] && seen[1] && seen[2]));
  CHECK(A::choose(1) == 0);
  CHECK(A::choose(0) == 0);
}
