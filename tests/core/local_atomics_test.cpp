#include <frys/core/local_atomics.hpp>

#include <doctest/doctest.h>
#include <frys/queue/mpmc_ring.hpp>

#include <cstdint>

TEST_CASE("local_atomics: a plain value with the spelling of an atomic") {
  frys::atomics::local_atomic<std::uint32_t> a{5};
  CHECK(sizeof a == sizeof(std::uint32_t));
  CHECK(a.exchange(6) == 5);
  std::uint32_t old = 1;
  CHECK_FALSE(a.compare_exchange_strong(old, 7));
  CHECK(old == 6);
  CHECK(a.compare_exchange_weak(old, 7, std::memory_order_acquire, std::memory_order_relaxed));
  CHECK(a.fetch_add(3u, std::memory_order_relaxed) == 7);
  CHECK(a.fetch_sub(2u) == 10);
  CHECK(a.fetch_or(1u) == 8);
  CHECK(a.fetch_and(3u) == 9);
  CHECK(a.fetch_xor(3u) == 1);
  CHECK(a.load(std::memory_order_acquire) == 2);
  a.store(0);
  CHECK(a.load() == 0);
  frys::atomics::local_atomic<std::uint8_t> narrow{255};
  CHECK(narrow.fetch_add(1) == 255);
  CHECK(narrow.load() == 0);
}

TEST_CASE("local_atomics: a queue of one thread, without a read-modify-write") {
  frys::mpmc_ring<int, frys::policy::capacity<2>, frys::policy::atomics<frys::atomics::local>> ring;
  CHECK(ring.try_push(1));
  CHECK(ring.try_push(2));
  CHECK(ring.try_push(3).is_full());
  CHECK(*ring.try_pop() == 1);
  ring.close();
  CHECK(*ring.try_pop() == 2);
  CHECK(ring.try_pop().is_closed());
}
