#include <doctest/doctest.h>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <frys/sched/task.hpp>

namespace {

// Holds whoever awaits it until open().
struct gate {
  std::coroutine_handle<> waiting = nullptr;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept { waiting = h; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting, nullptr).resume(); }
};

struct counted {
  explicit counted(int& n) : live(&n) { ++*live; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --*live; }
  int* live;
};

frys::task<int> answer(int n) { co_return n; }
frys::task<int> add(int a, int b) { co_return co_await answer(a) + co_await answer(b); }
frys::task<std::unique_ptr<int>> boxed(int n) { co_return std::make_unique<int>(n); }

}  // namespace

TEST_CASE("task: does nothing until it is awaited") {
  bool ran = false;
  auto body = [](bool& flag) -> frys::task<> {
    flag = true;
    co_return;
  };
  frys::task<> t = body(ran);
  CHECK_FALSE(ran);
  CHECK_FALSE(t.done());
  frys::sync_wait(t);
  CHECK(ran);
  CHECK(t.done());
}

TEST_CASE("task: answers values, also ones that only move") {
  CHECK(frys::sync_wait(add(40, 2)) == 42);
  CHECK(*frys::sync_wait(boxed(7)) == 7);
}

TEST_CASE("task: moving it moves the coroutine, and an empty one is harmless") {
  frys::task<int> a = answer(3);
  frys::task<int> b = std::move(a);
  CHECK_FALSE(static_cast<bool>(a));
  a = std::move(b);
  CHECK(frys::sync_wait(std::move(a)) == 3);
  frys::task<int> none;
  CHECK_FALSE(none.done());
}

TEST_CASE("task: destroying one that waits destroys what its body holds") {
  int live = 0;
  gate g;
  {
    frys::task_scope scope;
    scope.spawn([](gate& at, int& n) -> frys::task<> {
      counted c(n);
      auto inner = [](gate& where, int& m) -> frys::task<> {
        counted d(m);
        co_await where;
      };
      co_await inner(at, n);
    }(g, live));
    CHECK(live == 2);
    CHECK(scope.size() == 1);
  }
  CHECK(live == 0);
}

TEST_CASE("task_scope: join waits for every task") {
  frys::task_scope scope;
  gate a, b;
  bool joined = false;
  auto waits = [](gate& g) -> frys::task<> { co_await g; };
  scope.spawn(waits(a));
  scope.spawn(waits(b));
  frys::task_scope outer;
  outer.spawn([](frys::task_scope& s, bool& flag) -> frys::task<> {
    co_await s.join();
    flag = true;
  }(scope, joined));
  CHECK(scope.size() == 2);
  b.open();
  CHECK_FALSE(joined);
  a.open();
  CHECK(joined);
  CHECK(scope.empty());
  CHECK(outer.empty());
}

TEST_CASE("task_scope: a joiner that is dropped leaves the scope usable") {
  frys::task_scope scope;
  gate g;
  scope.spawn([](gate& at) -> frys::task<> { co_await at; }(g));
  {
    frys::task_scope outer;
    outer.spawn([](frys::task_scope& s) -> frys::task<> { co_await s.join(); }(scope));
  }
  g.open();
  CHECK(scope.empty());
}

TEST_CASE("spawn: runs at once and frees itself at its end") {
  int live = 0;
  gate g;
  frys::spawn([](gate& at, int& n) -> frys::task<> {
    counted c(n);
    co_await at;
  }(g, live));
  CHECK(live == 1);
  g.open();
  CHECK(live == 0);
}

TEST_CASE("sync_wait: sleeps until another thread ends the task") {
  gate g;
  std::thread other;
  auto body = [](gate& at, std::thread& starts) -> frys::task<int> {
    struct handed {
      gate& g;
      std::thread& t;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> h) {
        g.waiting = h;
        t = std::thread([this_gate = &g] { this_gate->open(); });
      }
      void await_resume() const noexcept {}
    };
    co_await handed{at, starts};
    co_return 5;
  };
  CHECK(frys::sync_wait(body(g, other)) == 5);
  other.join();
}

TEST_CASE("sync_wait: runs a loop until the task has ended") {
  struct loop {
    gate g;
    int turns = 0;
    std::size_t run_once(frys::deadline) {
      if (++turns == 3) g.open();
      return 1;
    }
  } l;
  CHECK(frys::sync_wait(l, [](gate& at) -> frys::task<std::string> {
          co_await at;
          co_return "done";
        }(l.g)) == "done");
  CHECK(l.turns == 3);
}

TEST_CASE("task: many children one after another") {
  auto sum = [](int n) -> frys::task<int> {
    int total = 0;
    for (int i = 0; i < n; ++i) total += co_await answer(i);
    co_return total;
  };
  CHECK(frys::sync_wait(sum(1000)) == 499500);
}

// Where the stack stands.
FRYS_NOINLINE std::uintptr_t stack_here() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }
frys::task<int> descend(int n, std::uintptr_t& lowest) {
  if (n == 0) {
    lowest = stack_here();
    co_return 0;
  }
  co_return co_await descend(n - 1, lowest) + 1;
}

TEST_CASE("task: a recursion of a hundred thousand frames, and back, on the stack of one") {
  std::uintptr_t shallow = 0, deeper = 0;
  CHECK(frys::sync_wait(descend(4, shallow)) == 4);
  CHECK(frys::sync_wait(descend(200, deeper)) == 200);
  // g++ transfers without growing the stack from -O2 on, which no macro tells; sanitizers keep it from that.
#if defined(__clang__) && defined(__OPTIMIZE__) && !FRYS_ASAN && !FRYS_TSAN
  CHECK(shallow == deeper);
#endif
  if (shallow != deeper) return;
  CHECK(frys::sync_wait(descend(100'000, deeper)) == 100'000);
  CHECK(shallow == deeper);
}

#if FRYS_EXCEPTIONS
TEST_CASE("task: an exception arrives where the result is taken") {
  auto throws = []() -> frys::task<int> {
    throw std::runtime_error("late");
    co_return 1;
  };
  auto passes = [](frys::task<int> t) -> frys::task<int> { co_return co_await t + 1; };
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(passes(throws()))), "late", std::runtime_error);
  auto nothing = []() -> frys::task<> {
    throw std::runtime_error("void");
    co_return;
  };
  CHECK_THROWS_WITH_AS(frys::sync_wait(nothing()), "void", std::runtime_error);
}

TEST_CASE("task_scope: join rethrows the first exception") {
  frys::task_scope scope;
  auto throws = [](const char* what) -> frys::task<> {
    throw std::runtime_error(what);
    co_return;
  };
  scope.spawn(throws("first"));
  scope.spawn(throws("second"));
  auto joins = [](frys::task_scope& s) -> frys::task<> { co_await s.join(); };
  CHECK_THROWS_WITH_AS(frys::sync_wait(joins(scope)), "first", std::runtime_error);
}
#endif
