#include <frys/queue/segment_queue.hpp>

#include "blocks.hpp"
#include "fifo.hpp"

#include <deque>
#include <span>

namespace {

using namespace blocks;
template <std::size_t Capacity, class... Policies>
using queue_of = frys::segment_queue<element, frys::policy::capacity<Capacity>, frys::policy::pages<model::pages>,
                                     with_model, Policies...>;

// A step to another segment is some forty operations: beyond two threads only dice come to an end.
void holds_often(void (*body)()) {
  const model::report deep = model::check(model::pct{.depth = 4, .executions = 4'000}, body);
  INFO(deep.text());
  CHECK(deep.passed());
  const model::report any = model::check(model::random{.executions = 4'000}, body);
  INFO(any.text());
  CHECK(any.passed());
}

template <std::size_t Most>
void add(output<Most>& to, frys::pop_result<element> v) {
  if (v) to.add(*v);
}
template <class Queue, std::size_t Most>
void drain(Queue& queue, output<Most>& to) {
  while (auto v = queue.try_pop()) to.add(*v);
}
template <class Queue>
void must_push(Queue& queue, int v) {
  model::require(static_cast<bool>(queue.try_push(v)), "there is memory");
}
// Words so small that what can wrap does: eight places.
struct tiny : A {
  static constexpr unsigned segment_place_bits = 3;
};
template <std::size_t Capacity, class... Policies>
using tiny_queue = frys::segment_queue<element, frys::policy::capacity<Capacity>, frys::policy::pages<model::pages>,
                                       frys::policy::atomics<tiny>, Policies...>;

// So that segments have been used, `n` of one slot each or fewer larger ones.
template <class Queue>
void carry(Queue& queue, int n) {
  for (int i = 0; i < n; ++i) {
    must_push(queue, 100);
    model::require(queue.try_pop().has_value(), "it is there");
  }
}

// One value from each of two producers, one pop meanwhile.
template <std::size_t Capacity, int Before>
void two_producers() {
  queue_of<Capacity> queue;
  carry(queue, Before);
  output<2> out;
  model::threads([&] { must_push(queue, 1); }, [&] { must_push(queue, 2); }, [&] { add(out, queue.try_pop()); });
  drain(queue, out);
  for (int v = 1; v <= 2; ++v) model::require(out.times(v) == 1, "what was accepted comes out once");
}

// Two consumers share what one producer pushes.
template <std::size_t Capacity, int Before>
void two_consumers() {
  queue_of<Capacity> queue;
  carry(queue, Before);
  output<2> out[2];
  model::threads(
      [&] {
        for (int i = 1; i <= 2; ++i) must_push(queue, i);
      },
      [&] { add(out[0], queue.try_pop()); }, [&] { add(out[1], queue.try_pop()); });
  drain(queue, out[0]);
  for (int v = 1; v <= 2; ++v) model::require(out[0].times(v) + out[1].times(v) == 1, "each value comes out once");
}

// Segments are used again.
template <std::size_t Capacity, int Count>
void laps() {
  queue_of<Capacity> queue;
  output<std::size_t{Count}> out;
  model::threads(
      [&] {
        for (int i = 1; i <= Count; ++i) must_push(queue, i);
      },
      [&] {
        for (int i = 1; i <= Count; ++i) add(out, queue.try_pop());
      });
  drain(queue, out);
  model::require(out.count == Count && out.rising(1, Count), "in order, none lost");
}

// Two threads at the end of a segment: both push, or both pop.
void step_of_pushes() {
  queue_of<1> queue;
  carry(queue, 1);
  output<2> out;
  model::threads([&] { must_push(queue, 1); }, [&] { must_push(queue, 2); });
  drain(queue, out);
  for (int v = 1; v <= 2; ++v) model::require(out.times(v) == 1, "what was accepted comes out once");
}
void step_of_pops() {
  queue_of<1> queue;
  output<3> out[2];
  for (int v = 1; v <= 3; ++v) must_push(queue, v);
  model::threads([&] { add(out[0], queue.try_pop()); }, [&] { add(out[1], queue.try_pop()); });
  model::require(out[0].count == 1 && out[1].count == 1, "there is one for each");
  drain(queue, out[0]);
  for (int v = 1; v <= 3; ++v) model::require(out[0].times(v) + out[1].times(v) == 1, "each value comes out once");
}

// Each thread pushes one and pops one, twice.
template <std::size_t Capacity, int Before, int Times>
void both_roles() {
  queue_of<Capacity> queue;
  carry(queue, Before);
  output<4> out[2];
  const auto work = [&](int v, output<4>& to) {
    for (int i = 0; i < Times; ++i) {
      must_push(queue, v + i);
      add(to, queue.try_pop());
    }
  };
  model::threads([&] { work(1, out[0]); }, [&] { work(3, out[1]); });
  drain(queue, out[0]);
  for (int v = 1; v <= 2 * Times; ++v) {
    const int value = v > Times ? v - Times + 2 : v;
    model::require(out[0].times(value) + out[1].times(value) == 1, "each value comes out once");
  }
}

// A push that finds a segment by an old hint, and takes its place there when it is in use for another time.
template <bool Bulk>
void late_push() {
  queue_of<1> queue;
  must_push(queue, 2);
  output<4> out;
  model::threads(
      [&] {
        if constexpr (Bulk) {
          element one[1] = {1};
          model::require(queue.push_some(std::span<element>(one)) == 1, "there is memory");
        } else {
          must_push(queue, 1);
        }
      },
      [&] {
        for (int v = 3; v <= 4; ++v) {
          add(out, queue.try_pop());
          must_push(queue, v);
        }
      });
  drain(queue, out);
  for (int v = 1; v <= 4; ++v) model::require(out.times(v) == 1, "each value comes out once");
}
void sizes() {
  queue_of<1> queue;
  model::threads(
      [&] {
        for (int v = 1; v <= 2; ++v) {
          must_push(queue, v);
          (void)queue.try_pop();
        }
      },
      [&] { model::require(queue.size_hint() <= 2, "no more than there were"); });
}

// Places wrap: as laps, and both roles, on the verge of it; whole rounds of places before, so that slots were in use at
// each of them.
template <int Before>
void laps_across_the_wrap() {
  tiny_queue<1> queue;
  carry(queue, Before);
  output<3> out;
  model::threads(
      [&] {
        for (int i = 1; i <= 3; ++i) must_push(queue, i);
      },
      [&] {
        for (int i = 1; i <= 3; ++i) add(out, queue.try_pop());
      });
  model::require(queue.size_hint() == 3 - out.count, "the size is right behind the wrap");
  drain(queue, out);
  model::require(out.count == 3 && out.rising(1, 3), "in order, none lost");
  queue.close();
  model::require(queue.try_pop().is_closed() && queue.try_push(1).is_closed(), "closed is closed");
}
void a_segment_that_rests_for_a_round() {
  tiny_queue<1> queue;
  // A backlog of three; of its segments one rests in the free list until its place comes again.
  for (int rest = 0; rest < 10; ++rest) {
    for (int v = 1; v <= 3; ++v) must_push(queue, v);
    output<3> out;
    drain(queue, out);
    model::require(out.count == 3 && out.rising(1, 3), "a backlog comes out in order");
    carry(queue, rest);
  }
}
// A source that may refuse.
struct scarce : model::pages {
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    if (A::choose(2) == 1) return frys::error{frys::errc::out_of_memory, frys::domain::memory, "no pages", 0};
    return model::pages::allocate(size);
  }
};
void memory_refused() {
  frys::segment_queue<element, frys::policy::capacity<1>, frys::policy::pages<scarce>, with_model> queue;
  bool pushed[2] = {};
  output<2> out;
  model::threads([&] { pushed[0] = static_cast<bool>(queue.try_push(1)); },
                 [&] {
                   pushed[1] = static_cast<bool>(queue.try_push(2));
                   model::require(queue.size_hint() <= 2, "no more than there can be");
                 });
  drain(queue, out);
  for (int v = 1; v <= 2; ++v) model::require(out.times(v) == (pushed[v - 1] ? 1 : 0), "what was accepted comes out");
}

// Many at once, over the end of a segment.
void many_at_once() {
  queue_of<2> queue;
  output<6> out;
  const auto push = [&](int first) {
    element two[2] = {first, first + 1};
    model::require(queue.push_some(std::span<element>(two)) == 2, "there is memory");
  };
  model::threads([&] { push(1); }, [&] { push(3); },
                 [&] {
                   element some[2] = {0, 0};
                   const std::size_t n = queue.pop_some(std::span<element>(some));
                   for (std::size_t i = 0; i < n; ++i) out.add(some[i]);
                 });
  drain(queue, out);
  for (int v = 1; v <= 4; ++v) model::require(out.times(v) == 1, "each value comes out once");
  model::require(out.rising(1, 2) && out.rising(3, 4), "each producer's in order");
}

// The limit: two segments of one slot, one of which may wait for the other.
void at_the_limit() {
  using queue_type = queue_of<1, frys::policy::limit<2 * queue_of<1>::segment_bytes>>;
  queue_type queue;
  output<4> out;
  int accepted = 0;
  model::threads(
      [&] {
        for (int i = 0; i < 3; ++i)
          if (queue.try_push(accepted + 1)) ++accepted;
      },
      [&] {
        for (int i = 0; i < 2; ++i) add(out, queue.try_pop());
      });
  drain(queue, out);
  model::require(accepted >= 2 && out.count == static_cast<std::size_t>(accepted) && out.rising(1, 3),
                 "in order, none lost");
}

// A push, a close and a consumer that goes on until it is told closed.
template <std::size_t Capacity, int Before>
void close_against_push() {
  queue_of<Capacity> queue;
  for (int i = 0; i < Before; ++i) must_push(queue, 2);
  bool pushed = false;
  A::var<int> why{0};
  output<4> out;
  model::threads([&] { pushed = static_cast<bool>(queue.try_push(1)); },
                 [&] {
                   why.ref() = 1;
                   queue.close();
                 },
                 [&] {
                   for (;;) {
                     auto v = queue.try_pop();
                     if (v)
                       out.add(*v);
                     else if (v.is_closed())
                       break;
                     else
                       A::pause();
                   }
                   model::require(why.get() == 1, "what was done before the close is there");
                 });
  model::require(out.times(1) == (pushed ? 1 : 0), "closed is told behind the last accepted value");
  model::require(out.times(2) == Before, "and behind those before");
  model::require(queue.is_closed() && queue.try_push(3).is_closed(), "a closed queue refuses");
}
// A push that is told closed, or a look at it, knows what was done before.
void closed_publishes() {
  queue_of<1> queue;
  A::var<int> why{0};
  model::threads(
      [&] {
        why.ref() = 1;
        queue.close();
      },
      [&] {
        if (queue.try_push(1).is_closed()) model::require(why.get() == 1, "the reason is there");
      },
      [&] {
        if (queue.is_closed()) model::require(why.get() == 1, "the reason is there");
      });
}
// Two close at once, and one pushes: whoever has closed it finds it closed.
void two_closers() {
  queue_of<1> queue;
  output<2> out;
  bool pushed = false;
  const auto close = [&] {
    queue.close();
    model::require(queue.try_push(9).is_closed(), "it is closed now");
  };
  model::threads([&] { pushed = static_cast<bool>(queue.try_push(1)); }, close, close);
  drain(queue, out);
  model::require(out.count == (pushed ? 1u : 0u), "what was accepted comes out");
  model::require(queue.try_pop().is_closed(), "and then closed");
}

template <std::size_t Capacity>
void linear() {
  queue_of<Capacity> queue;
  blocks::fifo_history past(queue);
  past.push(0, 1);
  model::threads([&] { past.push(1, 2), past.pop(1); }, [&] { past.push(2, 3); }, [&] { past.pop(3), past.pop(3); });
  past.pop(0);
  past.must_be_linearizable();
}

TEST_CASE("segment_queue under the model: two producers lose and double nothing") {
  holds(&two_producers<4, 1>);
  holds(&step_of_pushes);
  holds_often(&two_producers<1, 0>);
  holds_often(&two_producers<2, 1>);
}
TEST_CASE("segment_queue under the model: two consumers lose and double nothing") {
  holds(&two_consumers<4, 1>);
  holds(&step_of_pops);
  holds_often(&two_consumers<1, 0>);
  holds_often(&two_consumers<2, 1>);
}
TEST_CASE("segment_queue under the model: segments are used again in order") {
  holds(&laps<1, 3>);
  holds(&laps<2, 4>);
}
TEST_CASE("segment_queue under the model: threads that push and pop") {
  holds(&both_roles<4, 1, 1>);
  holds_often(&both_roles<1, 2, 1>);
  holds_often(&both_roles<1, 1, 2>);
}
TEST_CASE("segment_queue under the model: a segment is in use again before a push that knew it goes on") {
  holds_often(&late_push<false>);
  holds_often(&late_push<true>);
}
TEST_CASE("segment_queue under the model: a look at the size") { holds_often(&sizes); }
TEST_CASE("segment_queue under the model: places wrap") {
  for (void (*const body)() : {&laps_across_the_wrap<5>, &laps_across_the_wrap<6>, &laps_across_the_wrap<15>,
                               &a_segment_that_rests_for_a_round}) {
    const model::report r = model::check(all, body);
    INFO(r.text());
    CHECK(r.passed());
    CHECK(r.complete);
  }
}
TEST_CASE("segment_queue under the model: memory that is refused") { holds_often(&memory_refused); }
TEST_CASE("segment_queue under the model: many at once") { holds_often(&many_at_once); }
TEST_CASE("segment_queue under the model: a limit of two segments") { holds(&at_the_limit); }
TEST_CASE("segment_queue under the model: closed is told behind the last accepted value, and publishes") {
  holds_often(&close_against_push<1, 0>);
  holds_often(&close_against_push<1, 1>);
  holds(&close_against_push<4, 1>);
  holds_often(&closed_publishes);
  holds_often(&two_closers);
}
TEST_CASE("segment_queue under the model: linearizable, pops that answer empty aside") {
  holds_often(&linear<1>);
  holds_often(&linear<4>);
}

}  // namespace
