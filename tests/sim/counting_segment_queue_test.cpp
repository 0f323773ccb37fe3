#include <frys/sim/counting.hpp>

#include <doctest/doctest.h>

#include <frys/queue/segment_queue.hpp>

#include <span>

namespace {

using A = frys::atomics::counting;
using queue_type = frys::segment_queue<int, frys::policy::capacity<64>, frys::policy::atomics<A>>;

template <class F>
A::counts on(unsigned number, F f) {
  const A::core core(number);
  return A::of(f);
}
constexpr unsigned producer_core = 0, consumer_core = 1;

}  // namespace

TEST_CASE("segment_queue: a push is one read-modify-write, a pop two") {
  A::reset();
  queue_type queue;
  const auto push = [&] { CHECK(queue.try_push(1)); };
  const auto pop = [&] { CHECK(queue.try_pop()); };
  const auto look = [&] { CHECK(queue.try_pop().is_empty()); };
  (void)on(producer_core, push);
  (void)on(consumer_core, pop);
  CHECK(on(producer_core, push).text() == "2 loads, 1 store, 1 rmw, 1 transfer");
  CHECK(on(producer_core, push).text() == "2 loads, 1 store, 1 rmw");
  CHECK(on(consumer_core, pop).text() == "3 loads, 2 rmws, 1 transfer");
  CHECK(on(consumer_core, pop).text() == "3 loads, 2 rmws");
  CHECK(on(consumer_core, look).text() == "5 loads");
}

TEST_CASE("segment_queue: many at once share the read-modify-writes") {
  A::reset();
  queue_type queue;
  CHECK(queue.try_push(1));
  CHECK(queue.try_pop());
  int values[32] = {};
  CHECK(on(producer_core, [&] { CHECK(queue.push_some(values) == 32); }).rmws == 1);
  CHECK(on(consumer_core, [&] { CHECK(queue.pop_some(values) == 32); }).rmws == 2);
}

TEST_CASE("segment_queue: the step to another segment, both sides together, once per segment") {
  A::reset();
  queue_type queue;
  const auto lap = [&] {
    return on(producer_core, [&] {
      for (int i = 0; i < 64; ++i) CHECK(queue.try_push(i));
      for (int i = 0; i < 64; ++i) CHECK(queue.try_pop());
    });
  };
  (void)lap(), (void)lap(), (void)lap();
  const A::counts all = lap();
  CHECK(all.rmws == 3 * 64 + 8);
  CHECK(all.fences == 0);
}
