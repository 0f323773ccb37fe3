#include <frys/queue/bag.hpp>

#include "blocks.hpp"

#include <optional>
#include <span>

namespace {

using namespace blocks;
template <std::size_t Capacity, std::size_t Portion = 4, class... Policies>
using bag_of = frys::bag<element, frys::policy::capacity<Capacity>, frys::policy::portion<Portion>,
                         frys::policy::seats<3>, frys::policy::pages<model::pages>, with_model, Policies...>;

// Beyond two threads, or with a step to another block, only dice come to an end.
void holds_often(void (*body)()) {
  const model::report deep = model::check(model::pct{.depth = 4, .executions = 300}, body);
  INFO(deep.text());
  CHECK(deep.passed());
  const model::report any = model::check(model::random{.executions = 300}, body);
  INFO(any.text());
  CHECK(any.passed());
}

template <class Producer>
void fill(Producer& in, int first, int last) {
  for (int v = first; v <= last; ++v) model::require(static_cast<bool>(in.try_push(v)), "there is memory");
}
template <class Consumer, std::size_t Most>
void take(Consumer& out, output<Most>& to, int times = 1) {
  for (int i = 0; i < times; ++i)
    if (auto v = out.try_pop()) to.add(*v);
}
template <class Consumer, std::size_t Most>
void drain(Consumer& out, output<Most>& to) {
  while (auto v = out.try_pop()) to.add(*v);
}
// 1 to `last` came out once each, of all that two have.
template <std::size_t Most>
void each_once(const output<Most>& a, const output<Most>& b, int last) {
  for (int v = 1; v <= last; ++v) model::require(a.times(v) + b.times(v) == 1, "each value comes out once");
}

// One producer, one consumer; blocks are used again.
template <std::size_t Capacity, int Count>
void stream() {
  bag_of<Capacity> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  output<std::size_t{Count}> got;
  model::threads([&] { fill(in, 1, Count); }, [&] { take(out, got, Count); });
  drain(out, got);
  model::require(got.count == Count && got.rising(1, Count), "in order, none lost");
}
// Two consumers at what is there.
template <std::size_t Capacity, int Count, std::size_t Portion>
void two_consumers() {
  bag_of<Capacity, Portion> b;
  auto in = *b.producer();
  auto one = *b.consumer();
  auto other = *b.consumer();
  output<std::size_t{Count}> got[2];
  fill(in, 1, Count);
  model::threads([&] { take(one, got[0], 2); }, [&] { take(other, got[1], 2); });
  model::require(got[0].rising(1, Count) && got[1].rising(1, Count), "in order");
  drain(one, got[0]);
  drain(other, got[1]);
  each_once(got[0], got[1], Count);
}
// Two producers and a consumer.
template <std::size_t Capacity>
void two_producers() {
  bag_of<Capacity> b;
  auto first = *b.producer();
  auto second = *b.producer();
  auto out = *b.consumer();
  output<4> got;
  model::threads([&] { fill(first, 1, 2); }, [&] { fill(second, 3, 4); }, [&] { take(out, got, 2); });
  drain(out, got);
  model::require(got.rising(1, 2) && got.rising(3, 4), "each producer's in order");
  each_once(got, output<4>{}, 4);
}
// A block of one producer is used again by another one, and a consumer finds it by an old hint.
void block_of_another() {
  bag_of<1> b;
  auto first = *b.producer();
  auto second = *b.producer();
  auto one = *b.consumer();
  auto other = *b.consumer();
  output<4> got[2];
  fill(first, 1, 2);
  model::threads(
      [&] {
        take(one, got[0], 2);
        fill(second, 3, 4);
      },
      [&] { take(other, got[1], 1); });
  drain(one, got[0]);
  drain(other, got[1]);
  each_once(got[0], got[1], 4);
}
void many_at_once() {
  bag_of<2> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  output<4> got;
  model::threads(
      [&] {
        element three[3] = {1, 2, 3};
        model::require(in.push_some(std::span<element>(three)) == 3, "there is memory");
      },
      [&] {
        element some[2] = {0, 0};
        const std::size_t n = out.pop_some(std::span<element>(some));
        for (std::size_t i = 0; i < n; ++i) got.add(some[i]);
      });
  drain(out, got);
  model::require(got.count == 3 && got.rising(1, 3), "in order, none lost");
}

// A producer goes, another one takes its seat.
void seat_again() {
  bag_of<4> b;
  output<2> got;
  const auto work = [&](int v) {
    auto in = *b.producer();
    fill(in, v, v);
  };
  model::threads([&] { work(1); }, [&] { work(2); });
  auto out = *b.consumer();
  drain(out, got);
  each_once(got, output<2>{}, 2);
}
// A consumer goes with a part of its portion; another one, and the next one, look for it.
void left_portion() {
  bag_of<4> b;
  auto in = *b.producer();
  std::optional goes(*b.consumer());
  auto stays = *b.consumer();
  output<4> got[2];
  fill(in, 1, 4);
  take(*goes, got[0]);
  model::threads([&] { goes.reset(); }, [&] { take(stays, got[1], 3); },
                 [&] {
                   auto next = *b.consumer();
                   take(next, got[0]);
                 });
  drain(stays, got[1]);
  each_once(got[0], got[1], 4);
}

template <class Consumer, std::size_t Most>
void until_closed(Consumer& out, output<Most>& to) {
  for (;;) {
    auto v = out.try_pop();
    if (v)
      to.add(*v);
    else if (v.is_closed())
      break;
    else
      A::pause();
  }
}
// A push, a close and a consumer that goes on until it is told closed.
template <int Before>
void close_against_push() {
  bag_of<4> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  fill(in, 2, 1 + Before);
  A::var<int> why{0};
  bool pushed = false;
  output<3> got;
  model::threads([&] { pushed = static_cast<bool>(in.try_push(1)); },
                 [&] {
                   why.ref() = 1;
                   b.close();
                 },
                 [&] {
                   until_closed(out, got);
                   model::require(why.get() == 1, "what was done before the close is there");
                 });
  model::require(got.times(1) == (pushed ? 1 : 0), "closed is told behind the last accepted value");
  model::require(got.count == static_cast<std::size_t>(Before + (pushed ? 1 : 0)), "and behind those before");
  model::require(b.is_closed() && in.try_push(9).is_closed(), "a closed bag refuses");
}
// A push that is told closed, or a look at it, knows what was done before.
template <std::size_t Before>
void closed_publishes() {
  bag_of<1> b;
  auto in = *b.producer();
  A::var<int> why{0};
  fill(in, 1, static_cast<int>(Before));
  model::threads(
      [&] {
        why.ref() = 1;
        b.close();
      },
      [&] {
        if (in.try_push(1).is_closed()) model::require(why.get() == 1, "the reason is there");
      },
      [&] {
        if (b.is_closed()) model::require(why.get() == 1, "the reason is there");
      });
}
// A closed bag; a consumer takes a portion and goes, another one waits for closed: it gets what was left.
template <std::size_t Count>
void closed_behind_portions() {
  bag_of<4> b;
  auto in = *b.producer();
  std::optional goes(*b.consumer());
  auto stays = *b.consumer();
  output<4> got[2];
  fill(in, 1, static_cast<int>(Count));
  b.close();
  model::threads(
      [&] {
        take(*goes, got[0]);
        goes.reset();
      },
      [&] { until_closed(stays, got[1]); });
  each_once(got[0], got[1], static_cast<int>(Count));
}
// The same, and a third one that takes over what was left, and goes as well.
void closed_behind_moves() {
  bag_of<4> b;
  auto in = *b.producer();
  std::optional first(*b.consumer());
  std::optional second(*b.consumer());
  auto stays = *b.consumer();
  output<4> got[3];
  fill(in, 1, 4);
  take(*first, got[0]);
  take(*second, got[0], 2);
  b.close();
  model::threads([&] { first.reset(); },
                 [&] {
                   take(*second, got[2]);
                   second.reset();
                 },
                 [&] { until_closed(stays, got[1]); });
  for (std::size_t i = 0; i < got[2].count; ++i) got[0].add(got[2].values[i]);
  each_once(got[0], got[1], 4);
}
void sizes() {
  bag_of<1> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  output<2> got;
  model::threads(
      [&] {
        fill(in, 1, 2);
        take(out, got, 2);
      },
      [&] { model::require(b.size_hint() <= 2, "no more than there were"); });
}

TEST_CASE("bag under the model: one producer, one consumer") {
  holds(&stream<4, 3>);
  holds_often(&stream<2, 3>);
  holds_often(&stream<1, 3>);
  holds_often(&stream<2, 5>);
}
TEST_CASE("bag under the model: two consumers lose and double nothing") {
  holds_often(&two_consumers<4, 4, 1>);
  holds_often(&two_consumers<4, 4, 4>);
  holds_often(&two_consumers<1, 4, 4>);
}
TEST_CASE("bag under the model: two producers") {
  holds_often(&two_producers<4>);
  holds_often(&two_producers<1>);
}
TEST_CASE("bag under the model: a block goes to another chain") { holds_often(&block_of_another); }
TEST_CASE("bag under the model: many at once") { holds(&many_at_once); }
TEST_CASE("bag under the model: seats are taken again") { holds_often(&seat_again); }
TEST_CASE("bag under the model: a portion that was left") { holds_often(&left_portion); }
TEST_CASE("bag under the model: closed is told behind the last accepted value, and publishes") {
  holds_often(&close_against_push<0>);
  holds_often(&close_against_push<2>);
  holds_often(&closed_publishes<0>);
  holds_often(&closed_publishes<1>);
}
TEST_CASE("bag under the model: closed is told behind all portions") {
  holds_often(&closed_behind_portions<4>);
  holds_often(&closed_behind_moves);
}
TEST_CASE("bag under the model: a look at the size") { holds_often(&sizes); }

}  // namespace
