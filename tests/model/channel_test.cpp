#include <frys/sched/channel.hpp>

#include "blocks.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "../sched/waits.hpp"

namespace {

using namespace blocks;
template <std::size_t N>
using channel_of = frys::channel<element, frys::policy::capacity<N>, with_model>;
// Plain values: a coroutine's frame is not the model's memory, so an element in one where another has ended would look
// like a use of that.
template <std::size_t N>
using plain_channel = frys::channel<int, frys::policy::capacity<N>, with_model>;
using pop_stopper = frys::basic_stop_source<with_model>;

template <class C>
waits::stoppable take_into(C& from, int times, int& sum) {
  for (int i = 0; i < times; ++i) {
    auto v = co_await from.pop();
    if (!v) break;
    sum += *v;
  }
}
template <class C>
waits::stoppable give_from(C& to, int first, int last, int& accepted) {
  for (int i = first; i <= last; ++i) {
    const auto pushed = co_await to.push(typename C::value_type(i));
    if (pushed) accepted += i;
  }
}
template <class C>
waits::stoppable take_unless(pop_stopper&, C& from, int& sum, int& stopped) {
  auto v = co_await from.pop();
  if (v)
    sum += *v;
  else
    ++stopped;
}
template <class C>
waits::stoppable give_unless(pop_stopper&, C& to, int value, int& accepted, int& stopped) {
  const auto pushed = co_await to.push(int{value});
  ++(pushed ? accepted : stopped);
}

template <std::size_t N>
void push_meets_pop() {
  plain_channel<N> c;
  int got = 0, accepted = 0;
  std::optional<waits::stoppable> a, b;
  model::threads([&] { a = take_into(c, 2, got); }, [&] { b = give_from(c, 1, 2, accepted); });
  model::require(got == 3 && accepted == 3, "both come out");
}
// What is in the room was written before.
void room_publishes() {
  channel_of<2> c;
  int got = 0;
  model::threads([&] { model::require(static_cast<bool>(c.try_push(element(7))), "there is room"); },
                 [&] {
                   if (auto v = c.try_pop()) got = static_cast<int>(*v);
                   model::require(static_cast<bool>(c.try_push(element(8))), "there is room");
                 });
  while (auto v = c.try_pop()) got += static_cast<int>(*v);
  model::require(got == 15, "nothing is lost");
}
// Plain data that goes with a value, and back with the end of a rendezvous.
void both_ways() {
  plain_channel<0> c;
  A::var<int> there(0), back(0);
  int got = 0;
  std::optional<waits::stoppable> a, b;
  const auto give = [](auto& to, A::var<int>& mine, A::var<int>& other, int& into) -> waits::stoppable {
    mine.ref() = 5;
    const auto pushed = co_await to.push(1);
    if (pushed) into += other.get() * 0 + 1;
  };
  const auto take = [](auto& from, A::var<int>& mine, A::var<int>& other, int& into) -> waits::stoppable {
    mine.ref() = 6;
    auto v = co_await from.pop();
    if (v) into += other.get();
  };
  model::threads([&] { a = give(c, there, back, got); }, [&] { b = take(c, back, there, got); });
  model::require(got == 6, "each sees what the other one did before");
}
void close_tells_all() {
  plain_channel<1> c;
  int got = 0, accepted = 0;
  std::optional<waits::stoppable> a, b;
  model::threads([&] { a = take_into(c, 2, got); }, [&] { c.close(); }, [&] { b = give_from(c, 1, 1, accepted); });
  model::require(a->done() && b->done(), "nobody is left");
  model::require(got == accepted, "what was accepted comes out");
}
template <std::size_t N>
void stop_against_push() {
  plain_channel<N> c;
  pop_stopper stop;
  int got = 0, stopped = 0;
  bool pushed = false;
  std::optional<waits::stoppable> a;
  model::threads([&] { a = take_unless(stop, c, got, stopped); }, [&] { pushed = static_cast<bool>(c.try_push(4)); },
                 [&] { (void)stop.request_stop(); });
  if (auto left = c.try_pop()) got += *left;
  model::require(a->done() && got == (pushed ? 4 : 0), "what was accepted is had or still there");
}
void stop_against_pop() {
  plain_channel<0> c;
  pop_stopper stop;
  int got = 0, accepted = 0, stopped = 0;
  std::optional<waits::stoppable> a;
  model::threads([&] { a = give_unless(stop, c, 4, accepted, stopped); },
                 [&] {
                   if (auto v = c.try_pop()) got = *v;
                 },
                 [&] { (void)stop.request_stop(); });
  model::require(a->done() && accepted + stopped == 1 && got == 4 * accepted, "had by both or by none");
}
void closed_is_seen_with_what_was_before() {
  plain_channel<1> c;
  A::var<int> before(0);
  model::threads(
      [&] {
        before.ref() = 3;
        c.close();
      },
      [&] {
        if (c.is_closed()) model::require(before.get() == 3, "what was done before close is seen");
      });
}

// try_push and try_pop, full and empty too, are those of a bounded FIFO in some order.
struct operation {
  bool push;
  int value;
};
struct bounded_fifo {
  std::deque<int> values;
  friend bool operator==(const bounded_fifo&, const bounded_fifo&) = default;
  // got: 0 is full or empty.
  template <class F>
  void each(const operation& op, const int* got, F take) const {
    bounded_fifo next = *this;
    if (op.push) {
      const bool fits = values.size() < 2;
      if (got != nullptr && fits != (*got != 0)) return;
      if (fits) next.values.push_back(op.value);
    } else {
      if (got != nullptr && (values.empty() ? 0 : values.front()) != *got) return;
      if (!values.empty()) next.values.pop_front();
    }
    take(std::move(next));
  }
};
void as_one_after_the_other() {
  plain_channel<2> c;
  model::history<operation, int, model::moment> past;
  const auto push = [&](std::size_t thread, int v) {
    const auto call = past.begin(thread, {true, v}, model::moment::now());
    const int got = c.try_push(int{v}) ? v : 0;
    past.end(call, got, model::moment::now());
  };
  const auto pop = [&](std::size_t thread) {
    const auto call = past.begin(thread, {false, 0}, model::moment::now());
    auto v = c.try_pop();
    const int got = v ? *v : 0;
    past.end(call, got, model::moment::now());
  };
  model::threads(
      [&] {
        push(0, 1);
        push(0, 2);
      },
      [&] {
        push(1, 3);
        pop(1);
      },
      [&] {
        pop(2);
        pop(2);
      });
  const auto verdict = model::linearizable(past, bounded_fifo{});
  model::require(verdict.passed(), verdict.text.c_str());
}

TEST_CASE("channel under the model: pushes and pops meet, with room and without") {
  holds_mostly(&push_meets_pop<0>, 500);
  holds_mostly(&push_meets_pop<1>, 500);
  holds(&room_publishes);
  holds_mostly(&both_ways, 400);
}
TEST_CASE("channel under the model: close tells all, and publishes") {
  holds_mostly(&close_tells_all, 400);
  holds(&closed_is_seen_with_what_was_before);
}
TEST_CASE("channel under the model: a stop loses no value") {
  holds_mostly(&stop_against_push<0>, 400);
  holds_mostly(&stop_against_push<1>, 400);
  holds_mostly(&stop_against_pop, 400);
}
TEST_CASE("channel under the model: linearizable, full and empty too") {
  holds_at_random(&as_one_after_the_other, 3000);
}

}  // namespace
