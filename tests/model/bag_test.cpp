#include <frys/queue/bag.hpp>

#include "blocks.hpp"

#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace {

using namespace blocks;
template <std::size_t Capacity, std::size_t Portion, std::size_t Seats, class... Policies>
using bag_with = frys::bag<element, frys::policy::capacity<Capacity>, frys::policy::portion<Portion>,
                           frys::policy::seats<Seats>, frys::policy::pages<model::pages>, with_model, Policies...>;
// Where pushes and a close meet.
template <std::size_t Capacity, std::size_t Portion, std::size_t Seats = 2>
using closing_bag = bag_with<Capacity, Portion, Seats>;
// Where they do not, the fence of a push has nothing to order; and fences are dear under the model.
struct no_fence {
  template <class>
  static void prepare() noexcept {}
  template <class>
  static void light() noexcept {}
  template <class>
  static bool heavy() noexcept {
    return true;
  }
};
template <std::size_t Capacity, std::size_t Portion, std::size_t Seats = 2>
using bag_of = bag_with<Capacity, Portion, Seats, frys::policy::fence<no_fence>>;

// Each execution that can be told apart.
void holds_always(void (*body)()) {
  const model::report every = model::check(all, body);
  INFO(every.text());
  CHECK(every.passed());
  CHECK(every.complete);
}
// For bodies that are too large for that.
void holds_often(void (*body)()) { holds_at_random(body, 150); }
// Each of them asks for an order of what was done.
void holds_linear(void (*body)()) { holds_at_random(body, 75); }
// Whoever is stopped for ever, the others finish.
void goes_on(void (*body)()) {
  const model::report r = model::check(model::lock_freedom{.executions = effort(300)}, body);
  INFO(r.text());
  CHECK(r.passed());
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
// There are more values than others can have.
template <class Consumer, std::size_t Most>
void must_take(Consumer& out, output<Most>& to, int times = 1) {
  for (int i = 0; i < times; ++i) {
    auto v = out.try_pop();
    model::require(v.has_value(), "a pop finds what is there");
    to.add(*v);
  }
}
template <class Consumer, std::size_t Most>
void drain(Consumer& out, output<Most>& to) {
  while (auto v = out.try_pop()) to.add(*v);
}
// 1 to `last` came out once each, of all that two have.
template <std::size_t Most, std::size_t Others>
void each_once(const output<Most>& a, const output<Others>& b, int last) {
  for (int v = 1; v <= last; ++v) model::require(a.times(v) + b.times(v) == 1, "each value comes out once");
}

// ---- nothing lost, nothing twice, in order

// One producer, one consumer; blocks are used again.
template <std::size_t Capacity, int Count>
void stream() {
  bag_of<Capacity, 4> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  output<std::size_t{Count}> got;
  model::threads([&] { fill(in, 1, Count); }, [&] { take(out, got, Count); });
  drain(out, got);
  model::require(got.count == Count && got.rising(1, Count), "in order, none lost");
}
// Two consumers at what comes.
template <std::size_t Capacity, int Count>
void one_to_two() {
  bag_of<Capacity, 4> b;
  auto in = *b.producer();
  auto one = *b.consumer();
  auto other = *b.consumer();
  output<std::size_t{Count}> got[2];
  model::threads([&] { fill(in, 1, Count); }, [&] { take(one, got[0]); }, [&] { take(other, got[1]); });
  drain(one, got[0]);
  drain(other, got[1]);
  model::require(got[0].rising(1, Count) && got[1].rising(1, Count), "in order");
  each_once(got[0], got[1], Count);
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
  drain(one, got[0]);
  drain(other, got[1]);
  model::require(got[0].rising(1, Count) && got[1].rising(1, Count), "in order");
  each_once(got[0], got[1], Count);
}
// Two producers and a consumer.
template <std::size_t Capacity>
void two_producers() {
  bag_of<Capacity, 4> b;
  auto first = *b.producer();
  auto second = *b.producer();
  auto out = *b.consumer();
  output<4> got;
  model::threads([&] { fill(first, 1, 2); }, [&] { fill(second, 3, 4); }, [&] { take(out, got, 2); });
  drain(out, got);
  model::require(got.rising(1, 2) && got.rising(3, 4), "each producer's in order");
  each_once(got, output<4>{}, 4);
}
void many_at_once() {
  bag_of<2, 4> b;
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

// ---- blocks in use again

// A slot is built over when all who had a value of the block are done, and only then.
void slot_again() {
  bag_of<1, 1> b;
  auto in = *b.producer();
  auto one = *b.consumer();
  auto other = *b.consumer();
  output<3> got[2];
  fill(in, 1, 2);
  model::threads([&] { take(one, got[0]); },
                 [&] {
                   take(other, got[1]);
                   fill(in, 3, 3);
                 });
  drain(one, got[0]);
  drain(other, got[1]);
  each_once(got[0], got[1], 3);
}
// A block is in use again, further behind in its chain, while a consumer looks at it as the first: the consumer finds
// what is there, in order. `Ahead` pops have been made, `Pops` more empty the block.
template <std::size_t Capacity, int Count, int Ahead, int Pops>
void late_look() {
  bag_of<Capacity, 1> b;
  auto in = *b.producer();
  auto quick = *b.consumer();
  auto slow = *b.consumer();
  output<8> got[2];
  fill(in, 1, Count);
  must_take(quick, got[0], Ahead);
  model::threads(
      [&] {
        must_take(quick, got[0], Pops);
        fill(in, Count + 1, Count + 1);
      },
      [&] { must_take(slow, got[1]); });
  drain(slow, got[1]);
  model::require(got[1].rising(1, Count + 1), "in order");
  each_once(got[0], got[1], Count + 1);
}
// A block of one chain is in use in another one, and the hint leads to it still.
void block_of_another() {
  bag_of<2, 1> b;
  auto first = *b.producer();
  auto second = *b.producer();
  auto one = *b.consumer();
  auto other = *b.consumer();
  output<5> got[2];
  fill(first, 1, 4);
  must_take(one, got[0], 2);
  model::threads([&] { must_take(one, got[0]); },
                 [&] {
                   fill(second, 5, 5);
                   must_take(other, got[1], 2);
                 });
  drain(other, got[1]);
  model::require(got[1].rising(1, 4), "in order");
  each_once(got[0], got[1], 5);
}

// ---- seats

// A producer goes, another one takes its seat.
void seat_again() {
  bag_of<4, 4, 1> b;
  output<2> got;
  int pushed = 0;
  const auto work = [&](int v) {
    if (auto in = b.producer()) fill(*in, v, v), ++pushed;
  };
  model::threads([&] { work(1); }, [&] { work(2); });
  auto out = *b.consumer();
  drain(out, got);
  model::require(got.count == static_cast<std::size_t>(pushed), "what was pushed comes out");
}
// A consumer goes with a part of its portion; another one looks for it.
void left_portion() {
  bag_of<4, 4> b;
  auto in = *b.producer();
  std::optional goes(*b.consumer());
  auto stays = *b.consumer();
  output<4> got;
  fill(in, 1, 3);
  must_take(*goes, got);  // of two
  must_take(stays, got);
  model::threads([&] { goes.reset(); }, [&] { take(stays, got); });
  drain(stays, got);
  each_once(got, output<4>{}, 3);
}
// The same, while the producer is at work, and another consumer takes the seat.
void left_portions() {
  bag_of<4, 4> b;
  auto in = *b.producer();
  std::optional goes(*b.consumer());
  auto stays = *b.consumer();
  output<4> got[3];
  fill(in, 1, 1);
  model::threads([&] { fill(in, 2, 4); },
                 [&] {
                   take(*goes, got[0], 2);
                   goes.reset();
                   if (auto next = b.consumer()) take(*next, got[0]);
                 },
                 [&] { take(stays, got[1], 3); });
  drain(stays, got[1]);
  auto last = *b.consumer();
  drain(last, got[1]);
  each_once(got[0], got[1], 4);
}

// ---- close

// A push, a close and a pop: closed is told behind the last accepted value.
template <std::size_t Capacity>
void close_against_push() {
  closing_bag<Capacity, 4> b;
  auto in = *b.producer();
  auto out = *b.consumer();
  fill(in, 2, 2);
  A::var<int> why{0};
  bool pushed = false, told = false;
  output<3> got;
  take(out, got);
  model::threads([&] { pushed = static_cast<bool>(in.try_push(1)); },
                 [&] {
                   why.ref() = 1;
                   b.close();
                 },
                 [&] {
                   auto v = out.try_pop();
                   if (v) got.add(*v);
                   if (v.is_closed()) {
                     told = true;
                     model::require(why.get() == 1, "what was done before the close is there");
                   }
                 });
  const std::size_t before = got.count;
  drain(out, got);
  model::require(!told || got.count == before, "nothing comes behind closed");
  model::require(got.times(1) == (pushed ? 1 : 0), "what was accepted comes out");
  model::require(b.is_closed() && in.try_push(9).is_closed() && out.try_pop().is_closed(), "a closed bag refuses");
}
// A push that is told closed, or a look at it, knows what was done before.
template <std::size_t Capacity, int Before>
void closed_publishes() {
  closing_bag<Capacity, 4> b;
  auto in = *b.producer();
  A::var<int> why{0};
  fill(in, 1, Before);
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
// `told` was told closed: then `other` gets nothing any more.
template <class Consumer>
void nothing_comes(bool told, Consumer& other) {
  if (told) model::require(other.try_pop().is_closed(), "closed is told when nothing will come any more");
}
// One has a portion of what is there, the other takes the rest and asks. Ahead: values that are gone already.
template <int Ahead, int Count, int Pops>
void closed_behind_portion() {
  bag_of<4, 4> b;
  auto in = *b.producer();
  auto holds = *b.consumer();
  auto asks = *b.consumer();
  output<8> got[2];
  fill(in, 1, Ahead);
  must_take(holds, got[0], Ahead);
  fill(in, Ahead + 1, Ahead + Count);
  b.close();
  bool told = false;
  model::threads([&] { take(holds, got[0]); },
                 [&] {
                   for (int i = 0; i < Pops; ++i) {
                     auto v = asks.try_pop();
                     if (v) got[1].add(*v);
                     told = v.is_closed();
                   }
                 });
  nothing_comes(told, holds);
  drain(asks, got[1]);
  drain(holds, got[0]);
  each_once(got[0], got[1], Ahead + Count);
}
// A consumer that has not heard of the producer asks.
void closed_behind_unknown() {
  closing_bag<4, 4, 3> b;
  auto holds = *b.consumer();
  auto takes = *b.consumer();
  auto asks = *b.consumer();
  output<4> got[2];
  std::size_t pushed = 0;
  bool told = false;
  model::threads(
      [&] {
        auto in = *b.producer();
        element three[3] = {1, 2, 3};
        pushed = in.push_some(std::span<element>(three));
        take(holds, got[0]);  // of two
        take(takes, got[0]);
      },
      [&] {
        b.close();
        auto v = asks.try_pop();
        if (v) got[1].add(*v);
        told = v.is_closed();
      });
  nothing_comes(told, holds);
  drain(asks, got[1]);
  drain(takes, got[0]);
  drain(holds, got[0]);
  each_once(got[0], got[1], static_cast<int>(pushed));
}
// What one has left goes to another one, whose seat stands before or behind, while a third one asks.
template <bool Before>
void closed_behind_move() {
  bag_of<8, 4, 3> b;
  auto in = *b.producer();
  std::optional first(*b.consumer());
  std::optional second(*b.consumer());
  auto asks = *b.consumer();
  std::optional goes(std::move(Before ? *second : *first));
  auto stays = std::move(Before ? *first : *second);
  output<8> got[2];
  fill(in, 1, 5);
  must_take(*goes, got[0]);  // of three
  must_take(stays, got[0], 2);
  goes.reset();
  b.close();
  bool told = false;
  model::threads([&] { take(stays, got[0]); },
                 [&] {
                   auto v = asks.try_pop();
                   if (v) got[1].add(*v);
                   told = v.is_closed();
                 });
  nothing_comes(told, stays);
  drain(asks, got[1]);
  drain(stays, got[0]);
  each_once(got[0], got[1], 5);
}
// All of it: two that go with portions, one that asks until it is told.
void closed_behind_moves() {
  bag_of<4, 4, 3> b;
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
                 [&] {
                   for (;;) {
                     auto v = stays.try_pop();
                     if (v)
                       got[1].add(*v);
                     else if (v.is_closed())
                       break;
                     else
                       A::pause();
                   }
                 });
  for (std::size_t i = 0; i < got[2].count; ++i) got[0].add(got[2].values[i]);
  each_once(got[0], got[1], 4);
}
void sizes() {
  bag_of<1, 4> b;
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

// ---- linearizable, as a bag is: a fifo for each producer, and what each consumer holds

struct bag_operation {
  // A push is two of them, at the same time: `begin` before the close or refused, and the value is there some time
  // later. A pop that finds nothing is one `none` for each chain, and one for what others have left.
  enum kind : char { begin, insert, pop, none, none_left, finished, close, leave };
  kind what;
  std::size_t who = 0;  // producer or consumer
  int value = 0;
};
struct bag_result {
  int value = 0;  // begin: 0 where it was refused
};
struct bag_spec {
  std::vector<int> chains[2];
  std::vector<int> held[2];
  std::vector<std::vector<int>> left;
  int begun = 0;
  bool closed = false;
  friend bool operator==(const bag_spec&, const bag_spec&) = default;

  template <class F>
  void each(const bag_operation& op, const bag_result* got, F next) const {
    bag_spec to = *this;
    switch (op.what) {
      case bag_operation::begin:
        if (got == nullptr || got->value != 0 ? closed : !closed) return;
        if (got == nullptr || got->value != 0) ++to.begun;
        return next(std::move(to));
      case bag_operation::insert:
        if (begun == 0) return;
        --to.begun;
        to.chains[op.who].push_back(op.value);
        return next(std::move(to));
      case bag_operation::pop: {
        const auto first = [&](const std::vector<int>& of) {
          return !of.empty() && (got == nullptr || of.front() == got->value);
        };
        if (!held[op.who].empty()) {
          if (!first(held[op.who])) return;
          to.held[op.who].erase(to.held[op.who].begin());
          return next(std::move(to));
        }
        // Up to half of a chain.
        for (std::size_t c = 0; c != 2; ++c)
          for (std::size_t n = 1; first(chains[c]) && n <= (chains[c].size() + 1) / 2; ++n) {
            bag_spec some = *this;
            const auto begin = some.chains[c].begin(), end = begin + static_cast<std::ptrdiff_t>(n);
            some.held[op.who].assign(begin + 1, end);
            some.chains[c].erase(begin, end);
            next(std::move(some));
          }
        for (std::size_t i = 0; i != left.size(); ++i)
          if (first(left[i])) {
            bag_spec some = *this;
            some.held[op.who].assign(left[i].begin() + 1, left[i].end());
            some.left.erase(some.left.begin() + static_cast<std::ptrdiff_t>(i));
            next(std::move(some));
          }
        return;
      }
      case bag_operation::none:
        if (chains[op.who].empty()) next(std::move(to));
        return;
      case bag_operation::none_left:
        if (left.empty()) next(std::move(to));
        return;
      case bag_operation::finished:
        if (closed && begun == 0 && chains[0].empty() && chains[1].empty() && left.empty() &&
            (held[0].empty() && held[1].empty()))
          next(std::move(to));
        return;
      case bag_operation::close:
        to.closed = true;
        return next(std::move(to));
      case bag_operation::leave:
        if (!held[op.who].empty()) to.left.push_back(std::exchange(to.held[op.who], {}));
        return next(std::move(to));
    }
  }
};

// What threads do to a bag, and when.
template <class Bag>
struct recorded {
  using history = model::history<bag_operation, bag_result, model::moment>;
  Bag b;
  history past;

  void note(std::size_t thread, bag_operation op, bag_result got, model::moment begin, model::moment end) {
    past.end(past.begin(thread, op, begin), got, end);
  }
  void push(std::size_t thread, typename Bag::producer_type& in, std::size_t who, int v) {
    const auto begin = model::moment::now();
    const bool ok = static_cast<bool>(in.try_push(v));
    const auto end = model::moment::now();
    note(thread, {bag_operation::begin, who, v}, {ok ? 1 : 0}, begin, end);
    if (ok) note(thread, {bag_operation::insert, who, v}, {1}, begin, end);
  }
  void pop(std::size_t thread, typename Bag::consumer_type& out, std::size_t who) {
    const auto begin = model::moment::now();
    auto v = out.try_pop();
    const auto end = model::moment::now();
    if (v) return note(thread, {bag_operation::pop, who}, {*v}, begin, end);
    if (v.is_closed()) return note(thread, {bag_operation::finished}, {}, begin, end);
    for (std::size_t c = 0; c != 2; ++c) note(thread, {bag_operation::none, c}, {}, begin, end);
    note(thread, {bag_operation::none_left}, {}, begin, end);
  }
  template <class F>
  void other(std::size_t thread, bag_operation op, F f) {
    const auto begin = model::moment::now();
    f();
    note(thread, op, {}, begin, model::moment::now());
  }
  void judge() const {
    const auto verdict = model::linearizable(past, bag_spec{});
    model::require(verdict.passed(), verdict.text.c_str());
  }
};

// Two producers, two consumers.
template <std::size_t Capacity, std::size_t Portion>
void linear() {
  recorded<bag_of<Capacity, Portion>> r;
  auto in = *r.b.producer();
  auto in2 = *r.b.producer();
  auto out = *r.b.consumer();
  auto out2 = *r.b.consumer();
  for (int v = 1; v <= 3; ++v) r.push(0, in, 0, v);
  model::threads([&] { r.push(1, in, 0, 4), r.push(1, in, 0, 5); },
                 [&] { r.push(2, in2, 1, 6), r.pop(2, out, 0), r.pop(2, out, 0); },
                 [&] { r.pop(3, out2, 1), r.pop(3, out2, 1); });
  r.pop(0, out, 0);
  r.judge();
}
// A close, and a consumer that goes.
template <std::size_t Capacity>
void linear_to_the_end() {
  recorded<closing_bag<Capacity, 4>> r;
  auto in = *r.b.producer();
  std::optional goes(*r.b.consumer());
  auto out = *r.b.consumer();
  for (int v = 1; v <= 3; ++v) r.push(0, in, 0, v);
  model::threads([&] { r.push(1, in, 0, 4), r.other(1, {bag_operation::close}, [&] { r.b.close(); }); },
                 [&] {
                   r.pop(2, *goes, 0);
                   r.other(2, {bag_operation::leave, 0}, [&] { goes.reset(); });
                 },
                 [&] { r.pop(3, out, 1), r.pop(3, out, 1), r.pop(3, out, 1); });
  r.pop(0, out, 1);
  r.judge();
}

TEST_CASE("bag under the model: one producer, one consumer") {
  holds_always(&stream<4, 3>);
  holds_always(&stream<1, 2>);
  holds_often(&stream<2, 5>);
}
TEST_CASE("bag under the model: two consumers lose and double nothing") {
  holds_often(&one_to_two<1, 2>);
  holds_often(&one_to_two<4, 3>);
  holds_often(&two_consumers<4, 4, 1>);
  holds_often(&two_consumers<4, 4, 4>);
  holds_often(&two_consumers<1, 4, 4>);
}
TEST_CASE("bag under the model: two producers") {
  holds_often(&two_producers<4>);
  holds_often(&two_producers<1>);
}
TEST_CASE("bag under the model: many at once") { holds_always(&many_at_once); }
TEST_CASE("bag under the model: blocks are used again") {
  holds_always(&slot_again);
  holds_always(&late_look<1, 3, 1, 1>);
  holds_often(&late_look<2, 4, 1, 2>);
  holds_at_random(&late_look<1, 3, 0, 2>, 5'000);  // what `push` acquires there is needed in one of some 2,600
}
TEST_CASE("bag under the model: a block goes to another chain") { holds_always(&block_of_another); }
TEST_CASE("bag under the model: seats are taken again") { holds_always(&seat_again); }
TEST_CASE("bag under the model: a portion that was left") {
  holds_always(&left_portion);
  holds_often(&left_portions);
}
TEST_CASE("bag under the model: closed is told behind the last accepted value, and publishes") {
  holds_always(&close_against_push<2>);
  holds_often(&close_against_push<1>);
  holds_always(&closed_publishes<1, 1>);
  holds_always(&closed_publishes<2, 1>);
}
TEST_CASE("bag under the model: closed is told behind all portions") {
  holds_always(&closed_behind_portion<0, 3, 2>);
  holds_always(&closed_behind_portion<1, 4, 3>);
  holds_always(&closed_behind_unknown);
  holds_always(&closed_behind_move<true>);
  holds_always(&closed_behind_move<false>);
  holds_often(&closed_behind_moves);
}
TEST_CASE("bag under the model: a look at the size") { holds_often(&sizes); }
TEST_CASE("bag under the model: linearizable, chain by chain, portions aside") {
  holds_linear(&linear<4, 4>);
  holds_linear(&linear<2, 1>);
  holds_linear(&linear_to_the_end<4>);
  holds_linear(&linear_to_the_end<1>);
}
TEST_CASE("bag under the model: lock-free, whoever is stopped") {
  goes_on(&stream<1, 2>);
  goes_on(&two_consumers<4, 4, 4>);
  goes_on(&two_consumers<1, 4, 1>);
  goes_on(&two_producers<1>);
  goes_on(&left_portions);
}
TEST_CASE("bag under the model: who is stopped hides a push or a portion, and nothing else") {
  goes_on(&late_look<1, 3, 1, 1>);
  goes_on(&late_look<2, 4, 1, 2>);
  goes_on(&block_of_another);
}

}  // namespace
