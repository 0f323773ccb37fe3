#include <frys/sched/channel.hpp>

#include "waits.hpp"

#include <doctest/doctest.h>
#include <frys/core/deadline.hpp>
#include <frys/core/local_atomics.hpp>
#include <frys/sched/async_event.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace policy = frys::policy;
using on_one_thread = policy::atomics<frys::atomics::local>;

// Names of what a pop answered: the value, -1 closed, -2 empty.
template <class R>
int named(const R& r) {
  return r ? *r : r.is_closed() ? -1 : -2;
}
int named_push(frys::push_result r) { return r ? 0 : r.is_closed() ? -1 : -2; }

template <class C>
waits::stoppable pop_one(C& from, std::vector<int>& into) {
  auto got = co_await from.pop();
  into.push_back(named(got));
}
template <class C>
waits::stoppable pop_one_on(C& from, waits::loop& on, std::vector<int>& into) {
  auto got = co_await from.pop(on);
  into.push_back(named(got));
}
template <class C>
waits::stoppable pop_all(C& from, std::vector<int>& into) {
  for (;;) {
    auto got = co_await from.pop();
    into.push_back(named(got));
    if (!got) break;
  }
}
template <class C>
waits::stoppable push_range(C& to, int first, int last, std::vector<int>& into) {
  for (int i = first; i <= last; ++i) {
    const auto pushed = co_await to.push(int{i});
    into.push_back(named_push(pushed));
  }
}
template <class C>
waits::stoppable push_one_on(C& to, waits::loop& on, int value, std::vector<int>& into) {
  const auto pushed = co_await to.push(on, int{value});
  into.push_back(named_push(pushed));
}
template <class C>
waits::stoppable pop_one_unless(frys::stop_source&, C& from, std::vector<int>& into) {
  auto got = co_await from.pop();
  into.push_back(named(got));
}
template <class C>
waits::stoppable pop_one_unless_on(frys::stop_source&, C& from, waits::loop& on, std::vector<int>& into) {
  auto got = co_await from.pop(on);
  into.push_back(named(got));
}
template <class C>
waits::stoppable push_unless(frys::stop_source&, C& to, std::unique_ptr<int>& value, std::vector<int>& into) {
  const auto pushed = co_await to.push(std::move(value));
  into.push_back(named_push(pushed));
}

template <std::size_t N, class... More>
using ints = frys::channel<int, policy::capacity<N>, More...>;

}  // namespace

TEST_CASE_TEMPLATE("channel: values in order; full and empty answer, and leave the value", C, ints<3>,
                   frys::channel<int, policy::capacity<3>, on_one_thread>) {
  C c;
  CHECK(c.slot_count() == 3);
  CHECK(c.try_pop().is_empty());
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 3; ++i) CHECK(c.try_push(int{i}));
    CHECK(c.try_push(3).is_full());
    for (int i = 0; i < 2; ++i) CHECK(*c.try_pop() == i);
    CHECK(c.try_push(3));
    CHECK(*c.try_pop() == 2);
    CHECK(*c.try_pop() == 3);
  }
  frys::channel<std::unique_ptr<int>, policy::capacity<1>> owners;
  CHECK(owners.try_push(std::make_unique<int>(1)));
  auto kept = std::make_unique<int>(2);
  CHECK(owners.try_push(std::move(kept)).is_full());
  CHECK(kept != nullptr);
  owners.close();
  CHECK(owners.try_push(std::move(kept)).is_closed());
  CHECK(kept != nullptr);
  CHECK(owners.is_closed());
}

TEST_CASE_TEMPLATE("channel: a pop that finds nothing waits, and goes on within the push", C, ints<2>, ints<0>,
                   frys::channel<int, policy::capacity<0>, on_one_thread>) {
  C c;
  std::vector<int> got;
  const auto a = pop_one(c, got), b = pop_one(c, got);
  CHECK(got.empty());
  CHECK(c.try_push(1));
  CHECK(got == std::vector<int>{1});
  CHECK(c.try_push(2));
  CHECK(got == std::vector<int>{1, 2});
  CHECK(a.done());
  CHECK(b.done());
}

TEST_CASE("channel: without room a push ends when a pop has its value") {
  ints<0> c;
  std::vector<int> pushed, got;
  CHECK(c.try_push(0).is_full());
  const auto producer = push_range(c, 1, 3, pushed);
  CHECK(pushed.empty());
  CHECK(*c.try_pop() == 1);
  CHECK(pushed == std::vector<int>{0});
  const auto consumer = pop_one(c, got);
  CHECK(got == std::vector<int>{2});
  CHECK(pushed.size() == 2);
  c.close();
  CHECK(pushed == std::vector<int>{0, 0, -1});
  CHECK(c.try_pop().is_closed());
}

TEST_CASE_TEMPLATE("channel: a push that finds no room waits, and its value takes the room that comes", C, ints<2>,
                   frys::channel<int, policy::capacity<2>, on_one_thread>) {
  C c;
  std::vector<int> pushed;
  const auto producer = push_range(c, 1, 4, pushed);
  CHECK(pushed == std::vector<int>{0, 0});
  const auto other = push_range(c, 10, 10, pushed);
  CHECK(*c.try_pop() == 1);
  CHECK(pushed.size() == 3);
  CHECK(c.try_push(99).is_full());  // nobody comes in between
  CHECK(*c.try_pop() == 2);
  CHECK(*c.try_pop() == 3);
  CHECK(*c.try_pop() == 10);
  CHECK(*c.try_pop() == 4);
  CHECK(c.try_pop().is_empty());
  CHECK(pushed == std::vector<int>{0, 0, 0, 0, 0});
}

TEST_CASE_TEMPLATE("channel: close lets pops have what was accepted, then all are told", C, ints<2>,
                   frys::channel<int, policy::capacity<2>, on_one_thread>) {
  C c;
  std::vector<int> pushed, got;
  const auto producer = push_range(c, 1, 4, pushed);
  c.close();
  c.close();
  CHECK(pushed == std::vector<int>{0, 0, -1, -1});
  const auto consumer = pop_all(c, got);
  CHECK(got == std::vector<int>{1, 2, -1});
  C other;
  got.clear();
  const auto a = pop_one(other, got), b = pop_all(other, got);
  other.close();
  CHECK(got == std::vector<int>{-1, -1});
}

TEST_CASE("channel: with an executor who waited goes on in posted work, and has its value from the push on") {
  ints<1> c;
  waits::loop here;
  std::vector<int> got, pushed;
  const auto a = pop_one_on(c, here, got);
  CHECK(c.try_push(1));
  CHECK(got.empty());
  CHECK(c.try_pop().is_empty());  // it is a's
  CHECK(here.run_all() == 1);
  CHECK(got == std::vector<int>{1});
  CHECK(c.try_push(2));
  const auto b = push_one_on(c, here, 3, pushed);
  CHECK(*c.try_pop() == 2);
  CHECK(pushed.empty());
  CHECK(*c.try_pop() == 3);
  CHECK(here.run_all() == 1);
  CHECK(pushed == std::vector<int>{0});
}

TEST_CASE("channel: how many values is said when the program runs") {
  auto made = frys::channel<std::string, policy::capacity<policy::dynamic>>::make(2);
  REQUIRE(made);
  auto& c = **made;
  CHECK(c.slot_count() == 2);
  const std::string text = "a text that is too long to be small";
  CHECK(c.try_push(std::string(text)));
  CHECK(c.try_push(std::string(text)));
  CHECK(c.try_push(std::string(text)).is_full());
  CHECK(*c.try_pop() == text);  // the other one dies with it
  auto rendezvous = frys::channel<int, policy::capacity<policy::dynamic>>::make(0);
  REQUIRE(rendezvous);
  CHECK((*rendezvous)->try_push(1).is_full());
  auto too_many = frys::channel<std::string, policy::capacity<policy::dynamic>>::make(~std::size_t{0} / 4);
  REQUIRE_FALSE(too_many);
  CHECK(too_many.error().code == frys::errc::out_of_memory);
}

TEST_CASE_TEMPLATE("channel: coroutines may be destroyed while they wait", C, ints<1>, ints<0>,
                   frys::channel<int, policy::capacity<1>, on_one_thread>) {
  C c;
  std::vector<int> got, pushed;
  auto a = std::make_optional(pop_one(c, got));
  const auto b = pop_one(c, got);
  a.reset();
  CHECK(c.try_push(1));
  CHECK(got == std::vector<int>{1});
  auto d = std::make_optional(push_range(c, 2, 9, pushed));
  d.reset();
  (void)c.try_pop();
  CHECK(c.try_pop().is_empty());
}

TEST_CASE("channel: a stop ends a wait: a pop has nothing, a push keeps its value; one too late changes nothing") {
  ints<1> c;
  frys::stop_source stop, late;
  waits::loop here;
  std::vector<int> got;
  const auto a = pop_one_unless(stop, c, got);
  const auto b = pop_one_unless_on(late, c, here, got);
  stop.request_stop();
  CHECK(got == std::vector<int>{-2});
  CHECK(c.try_push(5));
  late.request_stop();
  here.run_all();
  CHECK(got == std::vector<int>{-2, 5});

  frys::channel<std::unique_ptr<int>, policy::capacity<0>> owners;
  frys::stop_source enough;
  auto value = std::make_unique<int>(7);
  got.clear();
  auto p = push_unless(enough, owners, value, got);
  enough.request_stop();
  CHECK(got == std::vector<int>{-2});
  REQUIRE(value != nullptr);
  CHECK(owners.try_pop().is_empty());
  auto again = push_unless(enough, owners, value, got);  // does not begin to wait
  CHECK(got == std::vector<int>{-2, -2});
}

TEST_CASE("channel: a pipeline of coroutines on one thread, through a crowd") {
  ints<1, on_one_thread> first;
  ints<0, on_one_thread> second;
  std::vector<int> pushed, got;
  const auto sink = pop_all(second, got);
  const auto stage = [](auto& from, auto& to) -> waits::stoppable {
    for (;;) {
      auto v = co_await from.pop();
      if (!v) break;
      const auto ok = co_await to.push(*v * 2);
      if (!ok) break;
    }
    to.close();
  }(first, second);
  const auto source = push_range(first, 1, 10'000, pushed);
  first.close();
  REQUIRE(got.size() == 10'001);
  for (int i = 0; i < 10'000; ++i) CHECK(got[static_cast<std::size_t>(i)] == 2 * (i + 1));
}

namespace {
template <class C>
void through_threads(int producers, int consumers, int each, bool posted) {
  C c;
  std::vector<std::thread> threads;
  std::vector<std::int64_t> sums(static_cast<std::size_t>(consumers));
  std::vector<std::thread> sources;
  for (int t = 0; t < consumers; ++t)
    threads.emplace_back([&, t] {
      std::int64_t& sum = sums[static_cast<std::size_t>(t)];
      if (posted) {
        waits::loop here;
        bool done = false;
        frys::spawn([](C& from, waits::loop& on, std::int64_t& into, bool& end) -> frys::task<> {
          for (;;) {
            auto v = co_await from.pop(on);
            if (!v) break;
            into += *v;
          }
          end = true;
        }(c, here, sum, done));
        here.run_until(done);
      } else {
        frys::sync_wait([](C& from, std::int64_t& into) -> frys::task<> {
          for (;;) {
            auto v = co_await from.pop();
            if (!v) break;
            into += *v;
          }
        }(c, sum));
      }
    });
  for (int t = 0; t < producers; ++t)
    sources.emplace_back([&, t] {
      frys::sync_wait([](C& to, int first, int count) -> frys::task<> {
        for (int i = 0; i < count; ++i) (void)co_await to.push(first + i);
      }(c, t * each + 1, each));
    });
  for (auto& t : sources) t.join();
  c.close();
  for (auto& t : threads) t.join();
  std::int64_t total = 0;
  for (const std::int64_t s : sums) total += s;
  const std::int64_t n = std::int64_t{producers} * each;
  CHECK(total == n * (n + 1) / 2);
}
}  // namespace

TEST_CASE("channel: every value once between threads, with room and without, inline and posted") {
  through_threads<ints<4>>(2, 2, 3'000, true);
  through_threads<ints<0>>(2, 2, 3'000, true);
  through_threads<ints<4>>(2, 3, 3'000, false);
  through_threads<ints<0>>(3, 2, 3'000, false);
}

namespace {
// A clock that rings by hand.
struct bell_clock {
  frys::async_event<> rung;
  auto sleep_until(frys::deadline) noexcept { return rung.wait(); }
};
template <class C>
frys::task<> pop_in_time(bell_clock& clock, C& from, std::vector<int>& into) {
  frys::result<int> got = co_await frys::with_timeout(clock, from.pop_as_result(), frys::deadline::never());
  into.push_back(got ? *got : -static_cast<int>(got.error().code));
}
}  // namespace

TEST_CASE("channel: a pop with a deadline has its value, or is told that it is too late, and takes nothing then") {
  ints<2> c;
  std::vector<int> got;
  frys::task_scope scope;
  bell_clock first, second, third;
  scope.spawn(pop_in_time(first, c, got));
  CHECK(c.try_push(7));
  CHECK(got == std::vector<int>{7});
  scope.spawn(pop_in_time(second, c, got));
  second.rung.set();
  CHECK(got == std::vector<int>{7, -static_cast<int>(frys::errc::timed_out)});
  CHECK(c.try_push(8));
  CHECK(*c.try_pop() == 8);
  scope.spawn(pop_in_time(third, c, got));
  c.close();
  CHECK(got.back() == -static_cast<int>(frys::errc::closed));
  CHECK(scope.empty());
}
