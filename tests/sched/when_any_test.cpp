#include <doctest/doctest.h>

#include <frys/sched/task.hpp>
#include <frys/sched/when_any.hpp>

#include <atomic>
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
using frys::when_any;
using sched_tests::gate;

task<int> any_now(int n) { co_return n; }
task<int> any_later(gate& at, int n) {
  const auto went = co_await at.wait();
  co_return went ? n : -n;
}
// Asked to stop, it waits for `leave` before it does.
task<int> reluctant(gate& at, gate& leave, bool& asked, bool& left) {
  if (co_await at.wait()) co_return 1;
  asked = true;
  // Whoever was asked may still have to wait for something that nobody stops.
  struct unstoppable {
    gate::waiter w;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return w.await_suspend(h); }
    void await_resume() noexcept { CHECK(static_cast<bool>(w.await_resume())); }
  };
  co_await unstoppable{gate::waiter(leave)};
  left = true;
  co_return 2;
}

TEST_CASE("when_any: answers the first that ends, and which one it was") {
  gate at;
  auto text = []() -> task<std::string> { co_return "first"; };
  const auto first = frys::sync_wait(when_any(any_later(at, 1), text()));
  static_assert(std::is_same_v<decltype(first), const std::variant<int, std::string>>);
  REQUIRE(first.index() == 1);
  CHECK(std::get<1>(first) == "first");
  CHECK_FALSE(at.waits());
}

TEST_CASE("when_any: goes on only when the losers have ended") {
  gate winner, loser, leave;
  bool asked = false, left = false, through = false;
  std::size_t index = 9;
  frys::task_scope scope;
  scope.spawn([](gate& w, gate& l, gate& gone, bool& a, bool& b, bool& end, std::size_t& which) -> task<> {
    const auto first = co_await when_any(reluctant(l, gone, a, b), any_later(w, 5));
    which = first.index();
    CHECK(std::get<1>(first) == 5);
    end = true;
  }(winner, loser, leave, asked, left, through, index));
  CHECK_FALSE(asked);
  winner.open();
  CHECK(asked);
  CHECK_FALSE(through);
  leave.open();
  CHECK(left);
  CHECK(through);
  CHECK(index == 1);
}

TEST_CASE("when_any: a child that ends at once keeps the others from waiting") {
  gate at;
  const auto first = frys::sync_wait(when_any(any_now(1), any_later(at, 2), any_later(at, 3)));
  CHECK(first.index() == 0);
}

TEST_CASE("when_any: of a vector answers the index and the value") {
  gate at[4];
  frys::task_scope scope;
  std::size_t which = 9;
  int value = 0;
  scope.spawn([](gate* g, std::size_t& index, int& n) -> task<> {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(any_later(g[i], 10 + i));
    const auto first = co_await when_any(std::move(tasks));
    index = first.index;
    n = first.value;
  }(at, which, value));
  at[2].open();
  CHECK(which == 2);
  CHECK(value == 12);
}

TEST_CASE("when_any: of children without an answer answers which one") {
  auto nothing = []() -> task<> { co_return; };
  CHECK(frys::sync_wait(when_any(nothing(), nothing())).index() == 0);
  std::vector<task<>> tasks;
  tasks.push_back(nothing());
  CHECK(frys::sync_wait(when_any(std::move(tasks))).index == 0);
}

TEST_CASE("when_any: a stop that is asked of who waits stops all") {
  gate a, b;
  frys::stop_source stop;
  std::thread asks([&] {
    while (!a.waits() || !b.waits()) std::this_thread::yield();
    stop.request_stop();
  });
  const auto first = frys::sync_wait(when_any(any_later(a, 1), any_later(b, 2)), stop.token());
  asks.join();
  CHECK((first.index() == 0 ? std::get<0>(first) : std::get<1>(first)) < 0);
}

TEST_CASE("when_any: two that end at once on two threads, one wins") {
  for (int round = 0; round < 300; ++round) {
    gate a, b;
    std::atomic<bool> over{false};
    const auto opens = [&over](gate& g) {
      return [&over, &g] {
        while (!over && !g.try_open()) std::this_thread::yield();
      };
    };
    std::thread first(opens(a)), second(opens(b));
    const auto won = frys::sync_wait(when_any(any_later(a, 1), any_later(b, 2)));
    over = true;
    first.join();
    second.join();
    CHECK((won.index() == 0 ? std::get<0>(won) == 1 : std::get<1>(won) == 2));
  }
}

TEST_CASE("when_any: a stop from outside against a child that ends") {
  for (int round = 0; round < 300; ++round) {
    gate a, b;
    frys::stop_source stop;
    std::atomic<bool> over{false};
    std::thread opens([&] {
      while (!over && !a.try_open()) std::this_thread::yield();
    });
    std::thread asks([&] { stop.request_stop(); });
    const auto won = frys::sync_wait(when_any(any_later(a, 1), any_later(b, 2)), stop.token());
    over = true;
    opens.join();
    asks.join();
    const int n = won.index() == 0 ? std::get<0>(won) : std::get<1>(won);
    CHECK((n == 1 || n == -1 || n == -2));
  }
}

TEST_CASE("when_any: nested, a stop reaches the leaves") {
  gate a, b, c;
  frys::task_scope scope;
  bool through = false;
  scope.spawn([](gate& x, gate& y, gate& z, bool& end) -> task<> {
    const auto outer = co_await when_any(when_any(any_later(x, 1), any_later(y, 2)), any_later(z, 3));
    CHECK(outer.index() == 1);
    end = true;
  }(a, b, c, through));
  CHECK(a.waits());
  c.open();
  CHECK(through);
  CHECK_FALSE(a.waits());
  CHECK_FALSE(b.waits());
}

TEST_CASE("when_any: destroyed while it waits, it destroys its children") {
  gate a, b;
  {
    frys::task_scope scope;
    scope.spawn([](gate& x, gate& y) -> task<> { (void)co_await when_any(any_later(x, 1), any_later(y, 2)); }(a, b));
    CHECK(a.waits());
  }
  CHECK_FALSE(a.waits());
  CHECK_FALSE(b.waits());
}

#if FRYS_EXCEPTIONS
TEST_CASE("when_any: the first to end may end by an exception, a loser's is dropped") {
  gate at;
  auto throws = []() -> task<int> {
    throw std::runtime_error("first");
    co_return 1;
  };
  auto throws_when_stopped = [](gate& g) -> task<int> {
    if (!co_await g.wait()) throw std::runtime_error("late");
    co_return 1;
  };
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(when_any(any_later(at, 1), throws()))), "first",
                       std::runtime_error);
  CHECK(frys::sync_wait(when_any(throws_when_stopped(at), any_now(4))).index() == 1);
}
#endif

}  // namespace
