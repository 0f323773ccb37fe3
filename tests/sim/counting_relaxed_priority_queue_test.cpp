#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <cstdint>

#include <frys/queue/relaxed_priority_queue.hpp>

namespace {

using A = frys::atomics::counting;
using queue = frys::relaxed_priority_queue<std::uint64_t, frys::policy::atomics<A>>;

template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}

}  // namespace

TEST_CASE("relaxed_priority_queue: a push and a pop are one read-modify-write each, and no fence") {
  A::reset();
  queue q;
  auto handle = q.handle();
  const auto push = [&] { CHECK(handle.try_push(1)); };
  const auto pop = [&] { CHECK(handle.try_pop()); };
  for (int i = 0; i < 500; ++i) CHECK(on(0, push).text() == "2 loads, 2 stores, 1 rmw");
  for (int i = 0; i < 100; ++i) {
    const A::counts c = on(0, pop);
    CHECK(c.text() == "2 loads, 2 stores, 1 rmw");
  }
}

TEST_CASE("relaxed_priority_queue: a heap travels once per choice, not per operation") {
  A::reset();
  queue q;
  auto mine = q.handle();
  on(1, [&] {
    auto theirs = q.handle();
    for (int i = 0; i < 2000; ++i) CHECK(theirs.try_push(static_cast<std::uint64_t>(i)));
  });
  const A::counts c = on(0, [&] {
    for (int i = 0; i < 1000; ++i) CHECK(mine.try_pop());
  });
  CHECK(c.rmws == 1000);
  CHECK(c.transfers <= 16);  // each of eight words is read once and written once
  // Two in turn: two words are looked at and one is written, per choice; a choice lasts 16 pops.
  auto other = q.handle();
  A::counts both;
  for (int i = 0; i < 400; ++i) {
    both = both + on(0, [&] { CHECK(mine.try_pop()); });
    both = both + on(1, [&] { CHECK(other.try_pop()); });
  }
  CHECK(both.rmws == 800);
  CHECK(both.transfers < 800 * 3);
}

TEST_CASE("relaxed_priority_queue: an empty pop looks at each heap once, and takes no lock") {
  A::reset();
  queue q;
  auto handle = q.handle();
  CHECK(on(0, [&] { CHECK(handle.try_pop().is_empty()); }).text() == "10 loads");
}
