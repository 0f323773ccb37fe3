#include <frys/core/asymmetric_fence.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace {

using A = frys::atomics::standard;
static_assert(frys::fence_pair<frys::fences::symmetric>);
static_assert(frys::fence_pair<frys::fences::asymmetric>);
static_assert(!frys::fence_pair<int>);
static_assert(frys::free_fence_pair<frys::fences::asymmetric, frys::atomics::real>);
static_assert(!frys::free_fence_pair<frys::fences::asymmetric, frys::atomics::tsan>);  // fences that TSan can see
static_assert(!frys::free_fence_pair<frys::fences::symmetric, frys::atomics::real>);

// Two threads write and then read what the other one wrote: not both may miss it.
template <class F>
int both_missed(int rounds) {
  F::template prepare<A>();
  int missed = 0;
  std::atomic<int> x{0}, y{0}, turn{0};
  int saw_x = 0;
  std::thread rare([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (turn.load(std::memory_order_acquire) != 2 * i - 1) std::this_thread::yield();
      x.store(i, std::memory_order_relaxed);
      CHECK(F::template heavy<A>());
      saw_x = y.load(std::memory_order_relaxed);
      turn.store(2 * i, std::memory_order_release);
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    turn.store(2 * i - 1, std::memory_order_release);
    y.store(i, std::memory_order_relaxed);
    F::template light<A>();
    const int saw_y = x.load(std::memory_order_relaxed);
    while (turn.load(std::memory_order_acquire) != 2 * i) std::this_thread::yield();
    if (saw_y != i && saw_x != i) ++missed;
  }
  rare.join();
  return missed;
}

}  // namespace

TEST_CASE("fences: of a write and a read on each side, one read sees the other's write") {
  CHECK(both_missed<frys::fences::symmetric>(2000) == 0);
  CHECK(both_missed<frys::fences::asymmetric>(2000) == 0);
}

TEST_CASE("fences: the asymmetric pair decides once, and prepare may be called by anybody") {
  using F = frys::fences::asymmetric;
  F::prepare<frys::atomics::real>();
  const bool first = F::is_free<frys::atomics::real>();
  std::thread([&] {
    F::prepare<frys::atomics::real>();
    CHECK(F::is_free<frys::atomics::real>() == first);
  }).join();
  F::light<frys::atomics::real>();
  if (first) F::free_light<frys::atomics::real>();
  CHECK(F::heavy<frys::atomics::real>());
}
