#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>

#include <frys/queue/stats.hpp>
#include <frys/queue/stealing_deque.hpp>

namespace {

using A = frys::atomics::counting;
template <class... Policies>
using deque_of = frys::stealing_deque<int, frys::policy::atomics<A>, Policies...>;

template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}
constexpr unsigned owner_core = 0, thief_core = 1;

}  // namespace

TEST_CASE("stealing_deque: a push and a pop are a load each, no read-modify-write, no fence, no transfer") {
  A::reset();
  const auto check = [](auto& deque) {
    auto owner = deque.owner();
    const auto push = [&] { CHECK(owner.try_push(1)); };
    const auto pop = [&] { CHECK(owner.try_pop()); };
    (void)on(owner_core, push);
    for (int depth = 1; depth < 60; ++depth) {
      // Beyond the first few nothing is new; a pair at each depth, twice.
      if (depth > 2)
        for (int i = 0; i < 2; ++i) CHECK((on(owner_core, push) + on(owner_core, pop)).text() == "2 loads");
      (void)on(owner_core, push);
    }
    A::counts pops;
    for (int i = 0; i < 50; ++i) pops = pops + on(owner_core, pop);
    CHECK(pops.text() == "50 loads");
    // A thief that takes what is shared, and finds no more: the owner's next steps share, once.
    auto thief = deque.thief();
    CHECK(on(thief_core, [&] { CHECK(thief.try_steal()); }).rmws == 2);
    CHECK(on(owner_core, push).text() == "2 loads, 3 stores, 4 transfers");
    CHECK(on(owner_core, push).text() == "1 load");
  };
  deque_of<frys::policy::capacity<64>> fixed;
  check(fixed);
  deque_of<> growing;
  check(growing);
}

TEST_CASE(
    "stealing_deque: a steal is two read-modify-writes, for one value or for many; a look at nothing is two loads") {
  A::reset();
  deque_of<frys::policy::capacity<64>> deque;
  auto owner = deque.owner();
  auto thief = deque.thief();
  on(owner_core, [&] {
    for (int i = 0; i < 64; ++i) CHECK(owner.try_push(i));
    owner.share();
  });
  CHECK(on(thief_core, [&] { CHECK(thief.try_steal()); }).text() == "1 load, 2 rmws, 2 transfers");
  int loot[64];
  CHECK(on(thief_core, [&] { CHECK(thief.steal_batch(std::span(loot).first(7)) == 7); }).text() == "1 load, 2 rmws");
  CHECK(on(thief_core, [&] { CHECK(thief.steal_batch(loot) == 28); }).text() == "1 load, 5 rmws");  // four blocks
  on(thief_core, [&] {
    while (thief.try_steal()) {
    }
  });
  CHECK(on(thief_core, [&] { CHECK(thief.try_steal().is_empty()); }).text() == "2 loads");
}

TEST_CASE("stealing_deque: the owner takes back half of what is shared by one read-modify-write") {
  A::reset();
  deque_of<frys::policy::capacity<64>> deque;
  auto owner = deque.owner();
  for (int i = 0; i < 64; ++i) CHECK(owner.try_push(i));
  owner.share();
  const A::counts all = on(owner_core, [&] {
    for (int i = 0; i < 64; ++i) CHECK(owner.try_pop());
  });
  CHECK(all.rmws == 7);  // 32, 16, 8, 4, 2, 1, 1
  CHECK(all.fences == 0);
}

TEST_CASE("stealing_deque: stats: the owner pays for what it is refused, a thief one read-modify-write") {
  A::reset();
  const auto cost = [](auto&& deque) {
    auto owner = deque.owner();
    auto thief = deque.thief();
    A::counts all[4];
    for (int i = 0; i < 100; ++i) {
      for (int j = 0; j < 3; ++j) all[0] = all[0] + on(owner_core, [&] { CHECK(owner.try_push(1)); });
      owner.share();
      all[0] = all[0] + on(owner_core, [&] { CHECK(owner.try_pop()); });
      owner.share();
      for (int j = 0; j < 2; ++j) all[1] = all[1] + on(thief_core, [&] { CHECK(thief.try_steal()); });
      all[2] = all[2] + on(thief_core, [&] { CHECK(thief.try_steal().is_empty()); });
      all[3] = all[3] + on(owner_core, [&] { CHECK(owner.try_pop().is_empty()); });
    }
    for (A::counts& c : all) c.transfers = 0;
    return std::to_array(all);
  };
  using frys::policy::capacity;
  const auto plain = cost(deque_of<capacity<64>>{});
  const auto with = cost(deque_of<capacity<64>, frys::policy::stats<frys::stats::counted>>{});
  const auto more = [&](std::size_t i) { return (with[i] - plain[i]).text(); };
  CHECK(more(0) == "nothing");
  CHECK(more(1) == "200 rmws");
  CHECK(more(2) == "100 rmws");
  CHECK(more(3) == "100 loads, 100 stores");
}
