#include <doctest/doctest.h>

#include <frys/sched/task.hpp>
#include <frys/sched/when_all.hpp>

#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "stop_gate.hpp"

namespace {

using frys::task;
using frys::when_all;
using sched_tests::gate;

task<int> number_now(int n) { co_return n; }
task<int> number_later(gate& at, int n) {
  const auto went = co_await at.wait();
  co_return went ? n : -n;
}
task<> nothing_later(gate& at, int& ended) {
  (void)co_await at.wait();
  ++ended;
}

TEST_CASE("when_all: answers all answers, in the order of the things") {
  auto [a, b, c] = frys::sync_wait(when_all(number_now(1), number_now(2), number_now(3)));
  CHECK(a == 1);
  CHECK(b == 2);
  CHECK(c == 3);
}

TEST_CASE("when_all: answers of different types, of ones that only move, and of none") {
  auto text = []() -> task<std::string> { co_return "text"; };
  auto boxed = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  auto nothing = []() -> task<> { co_return; };
  auto all = frys::sync_wait(when_all(text(), boxed(), nothing()));
  static_assert(std::is_same_v<decltype(all), std::tuple<std::string, std::unique_ptr<int>, std::monostate>>);
  CHECK(std::get<0>(all) == "text");
  CHECK(*std::get<1>(all) == 7);
}

TEST_CASE("when_all: waits for each, whichever ends last") {
  gate first, second;
  frys::task_scope scope;
  bool through = false;
  int sum = 0;
  scope.spawn([](gate& f, gate& s, bool& end, int& into) -> task<> {
    auto [a, b] = co_await when_all(number_later(f, 1), number_later(s, 2));
    into = a + b;
    end = true;
  }(first, second, through, sum));
  CHECK(first.waits());
  CHECK(second.waits());  // both were started
  second.open();
  CHECK_FALSE(through);
  first.open();
  CHECK(through);
  CHECK(sum == 3);
}

TEST_CASE("when_all: of a vector answers a vector, of an empty one an empty one") {
  std::vector<task<int>> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(number_now(i));
  const std::vector<int> all = frys::sync_wait(when_all(std::move(tasks)));
  REQUIRE(all.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(all[static_cast<std::size_t>(i)] == i);
  CHECK(frys::sync_wait(when_all(std::vector<task<int>>{})).empty());
}

TEST_CASE("when_all: of a vector of tasks without an answer answers nothing") {
  gate at[3];
  int ended = 0;
  frys::task_scope scope;
  scope.spawn([](gate* g, int& n) -> task<> {
    std::vector<task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(nothing_later(g[i], n));
    co_await when_all(std::move(tasks));
    n += 10;
  }(at, ended));
  for (gate& g : at) g.open();
  CHECK(ended == 13);
}

TEST_CASE("when_all: a thing that is given as an lvalue stays the caller's") {
  task<int> mine = number_now(5);
  auto [n] = frys::sync_wait(when_all(mine));
  CHECK(n == 5);
  CHECK(mine.done());
}

TEST_CASE("when_all: awaits whatever can be awaited, also another when_all") {
  auto [five, inner] = frys::sync_wait(when_all(frys::ready<int>(5), when_all(number_now(1), number_now(2))));
  CHECK(five == 5);
  CHECK(std::get<0>(inner) + std::get<1>(inner) == 3);
}

TEST_CASE("when_all: children that end on several threads") {
  for (int round = 0; round < 200; ++round) {
    gate at[3];
    frys::task_scope scope;
    std::vector<std::thread> threads;
    for (gate& g : at)
      threads.emplace_back([&g] {
        while (!g.try_open()) std::this_thread::yield();
      });
    const auto all = frys::sync_wait(when_all(number_later(at[0], 1), number_later(at[1], 2), number_later(at[2], 3)));
    for (std::thread& t : threads) t.join();
    CHECK(std::get<0>(all) + std::get<1>(all) + std::get<2>(all) == 6);
  }
}

TEST_CASE("when_all: a stop that is asked of who waits reaches every child") {
  gate first, second;
  frys::stop_source stop;
  frys::task_scope scope;
  int sum = 0;
  std::thread asks([&] {
    while (!first.waits() || !second.waits()) std::this_thread::yield();
    CHECK(stop.request_stop());
    CHECK_FALSE(stop.request_stop());
  });
  auto all = frys::sync_wait(when_all(number_later(first, 1), number_later(second, 2)), stop.token());
  sum = std::get<0>(all) + std::get<1>(all);
  asks.join();
  CHECK(sum == -3);
}

TEST_CASE("when_all: a stop that was asked for before is found by every child") {
  gate first, second;
  frys::stop_source stop;
  stop.request_stop();
  auto all = frys::sync_wait(when_all(number_later(first, 1), number_later(second, 2)), stop.token());
  CHECK(std::get<0>(all) + std::get<1>(all) == -3);
}

TEST_CASE("when_all: destroyed while it waits, it destroys its children") {
  gate first, second;
  int ended = 0;
  frys::stop_source stop;
  {
    frys::task_scope scope;
    scope.spawn([](gate& f, gate& s, int& n) -> task<> { co_await when_all(nothing_later(f, n), nothing_later(s, n)); }(
                                                 first, second, ended));
    CHECK(first.waits());
  }
  CHECK_FALSE(first.waits());
  CHECK_FALSE(second.waits());
  CHECK(ended == 0);
}

TEST_CASE("when_all: one that is never awaited does nothing") {
  int ended = 0;
  gate at;
  { [[maybe_unused]] auto never = when_all(nothing_later(at, ended), number_now(1)); }
  CHECK(ended == 0);
}

#if FRYS_EXCEPTIONS
task<int> throws_now(const char* what) {
  throw std::runtime_error(what);
  co_return 0;
}

TEST_CASE("when_all: a child that throws asks the others to stop, and is told when they have ended") {
  gate at;
  int n = 0;
  auto watched = [](gate& g, int& ended) -> task<> {
    const auto went = co_await g.wait();
    CHECK_FALSE(static_cast<bool>(went));
    CHECK((co_await frys::this_task::stop_token()).stop_requested());
    ++ended;
  };
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(when_all(watched(at, n), throws_now("one"), watched(at, n)))),
                       "one", std::runtime_error);
  CHECK(n == 2);
}

TEST_CASE("when_all: of several exceptions the first is rethrown") {
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(when_all(throws_now("first"), throws_now("second")))), "first",
                       std::runtime_error);
  std::vector<task<int>> tasks;
  for (const char* what : {"a", "b", "c"}) tasks.push_back(throws_now(what));
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(when_all(std::move(tasks)))), "a", std::runtime_error);
}
#endif

}  // namespace
