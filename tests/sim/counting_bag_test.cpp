#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <utility>

#include <frys/queue/bag.hpp>
#include <frys/queue/stats.hpp>

namespace {

using A = frys::atomics::counting;
using frys::policy::atomics;
using frys::policy::portion;

template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}
constexpr unsigned producer_core = 0, consumer_core = 1;

}  // namespace

// Other memory than the machine's gets the fence that the machine's may go without.
TEST_CASE("bag: a push has no read-modify-write; a portion two") {
  A::reset();
  frys::bag<int, portion<8>, atomics<A>> bag;
  auto in = *bag.producer();
  auto out = *bag.consumer();
  const auto push = [&] { CHECK(in.try_push(1)); };
  const auto pop = [&] { CHECK(out.try_pop()); };
  (void)on(producer_core, push);
  CHECK(on(producer_core, push).text() == "3 loads, 2 stores, 1 fence");
  for (int i = 2; i < 40; ++i) CHECK(on(producer_core, push).rmws == 0);
  (void)on(consumer_core, pop);
  A::counts all;
  for (int i = 1; i < 16; ++i) all = all + on(consumer_core, pop);
  CHECK(all.text() == "4 loads, 3 stores, 3 rmws");
}

TEST_CASE("bag: portions of one are two read-modify-writes a pop") {
  A::reset();
  frys::bag<int, portion<1>, atomics<A>> bag;
  auto in = *bag.producer();
  auto out = *bag.consumer();
  for (int i = 0; i < 20; ++i) (void)on(producer_core, [&] { CHECK(in.try_push(1)); });
  (void)on(consumer_core, [&] { CHECK(out.try_pop()); });
  CHECK(on(consumer_core, [&] { CHECK(out.try_pop()); }).text() == "4 loads, 1 store, 2 rmws");
}

TEST_CASE("bag: stats: what succeeds costs no more; a pop in vain a load and a store") {
  A::reset();
  using counted = frys::policy::stats<frys::stats::counted>;
  const auto cost = [](auto&& bag) {
    auto in = *bag.producer();
    auto out = *bag.consumer();
    A::counts successes, in_vain;
    for (int i = 0; i < 100; ++i) {
      successes = successes + on(producer_core, [&] { CHECK(in.try_push(1)); });
      successes = successes + on(consumer_core, [&] { CHECK(out.try_pop()); });
      in_vain = in_vain + on(consumer_core, [&] { CHECK(out.try_pop().is_empty()); });
    }
    successes.transfers = in_vain.transfers = 0;  // where the heap has the blocks, decides
    return std::pair(successes, in_vain);
  };
  const auto plain = cost(frys::bag<int, atomics<A>>{}), with = cost(frys::bag<int, atomics<A>, counted>{});
  CHECK((with.first - plain.first).text() == "nothing");
  CHECK((with.second - plain.second).text() == "100 loads, 100 stores");
}
