#include <doctest/doctest.h>

#include <frys/sched/cancel.hpp>
#include <frys/sched/task.hpp>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "stop_gate.hpp"

namespace {

using frys::stop_callback;
using frys::stop_source;
using frys::stop_token;
using sched_tests::gate;

TEST_CASE("stop_token: an empty one is never asked") {
  const stop_token none;
  CHECK_FALSE(none.stop_possible());
  CHECK_FALSE(none.stop_requested());
  CHECK(none == stop_token());
  int called = 0;
  stop_callback never(none, [&] { ++called; });
  CHECK(called == 0);
}

TEST_CASE("stop_source: the first request counts, and every token sees it") {
  stop_source source;
  const stop_token a = source.token(), b = a;
  CHECK(a.stop_possible());
  CHECK_FALSE(a.stop_requested());
  CHECK(source.request_stop());
  CHECK_FALSE(source.request_stop());
  CHECK(a.stop_requested());
  CHECK(b.stop_requested());
  CHECK(source.stop_requested());
  CHECK(a == b);
  stop_source other;
  CHECK(a != other.token());
}

TEST_CASE("stop_callback: is called once by the request, in the order of their coming") {
  stop_source source;
  std::vector<int> called;
  stop_callback first(source.token(), [&] { called.push_back(1); });
  stop_callback second(source.token(), [&] { called.push_back(2); });
  {
    stop_callback gone(source.token(), [&] { called.push_back(3); });
  }
  source.request_stop();
  source.request_stop();
  CHECK(called == std::vector<int>{1, 2});
}

TEST_CASE("stop_callback: where a stop was asked for before it is called at once") {
  stop_source source;
  source.request_stop();
  int called = 0;
  {
    stop_callback late(source.token(), [&] { ++called; });
  }
  CHECK(called == 1);
}

TEST_CASE("stop_callback: a callback may end another one, and ask again") {
  stop_source source;
  int called = 0;
  auto count = [&] { ++called; };
  std::optional<stop_callback<decltype(count)>> second;
  stop_callback first(source.token(), [&] {
    second.reset();
    CHECK_FALSE(source.request_stop());
  });
  second.emplace(source.token(), count);
  source.request_stop();
  CHECK(called == 0);
}

TEST_CASE("stop_callback: its end waits for a call that runs on another thread") {
  for (int round = 0; round < 200; ++round) {
    stop_source source;
    std::atomic<bool> in{false};
    int written = 0;
    std::thread asks;
    {
      stop_callback slow(source.token(), [&] {
        in = true;
        std::this_thread::yield();
        ++written;
      });
      asks = std::thread([&] { source.request_stop(); });
      if (round % 2 == 0)
        while (!in) std::this_thread::yield();
    }
    const int seen = written;
    asks.join();
    CHECK(written == seen);
  }
}

TEST_CASE("stop_source: callbacks that come and go while a stop is asked for are called once or not at all") {
  for (int round = 0; round < 100; ++round) {
    stop_source source;
    std::atomic<int> called{0};
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int n = 0; n < 2; ++n)
      threads.emplace_back([&] {
        while (!go) std::this_thread::yield();
        for (int i = 0; i < 20; ++i) {
          int mine = 0;
          {
            stop_callback c(source.token(), [&] { ++mine, ++called; });
          }
          CHECK(mine <= 1);
          CHECK((mine == 0 || source.stop_requested()));
        }
      });
    go = true;
    CHECK(source.request_stop());
    for (std::thread& t : threads) t.join();
  }
}

TEST_CASE("stop_source: what was written before the request is there for who sees it") {
  for (int round = 0; round < 200; ++round) {
    stop_source source;
    int written = 0;
    std::thread asks([&] {
      written = 7;
      source.request_stop();
    });
    while (!source.token().stop_requested()) std::this_thread::yield();
    CHECK(written == 7);
    asks.join();
  }
}

TEST_CASE("task: its token is that of who awaits it, down to the last") {
  stop_source source;
  stop_token seen;
  auto leaf = [](stop_token& into) -> frys::task<> { into = co_await frys::this_task::stop_token(); };
  auto middle = [&leaf](stop_token& into) -> frys::task<> { co_await leaf(into); };
  frys::sync_wait(middle(seen), source.token());
  CHECK(seen == source.token());
  frys::sync_wait(middle(seen));
  CHECK_FALSE(seen.stop_possible());
}

TEST_CASE("cancel: a wait that is stopped answers cancelled, one that is not goes on as ever") {
  for (const bool stops : {true, false}) {
    gate at;
    stop_source source;
    std::thread other([&] {
      while (!at.waits()) std::this_thread::yield();
      if (stops)
        source.request_stop();
      else
        at.open();
    });
    auto waits = [](gate& g) -> frys::task<frys::result<void>> { co_return co_await g.wait(); };
    const frys::result<void> end = frys::sync_wait(waits(at), source.token());
    other.join();
    CHECK(end.has_value() == !stops);
    if (stops) CHECK(end.error() == frys::errc::cancelled);
  }
}

TEST_CASE("cancel: a wait that begins after the stop does not wait") {
  gate at;
  stop_source source;
  source.request_stop();
  auto waits = [](gate& g) -> frys::task<bool> {
    const auto first = co_await g.wait();
    const auto second = co_await g.wait();
    co_return first.has_value() || second.has_value();
  };
  CHECK_FALSE(frys::sync_wait(waits(at), source.token()));
}

TEST_CASE("cancel: a stop against the event that was waited for, one of them counts") {
  int stopped = 0, opened = 0;
  for (int round = 0; round < 500; ++round) {
    gate at;
    stop_source source;
    std::atomic<bool> over{false};
    std::thread opens([&] {
      while (!over && !at.try_open()) std::this_thread::yield();
    });
    std::thread asks([&] { source.request_stop(); });
    auto waits = [](gate& g) -> frys::task<bool> { co_return static_cast<bool>(co_await g.wait()); };
    (frys::sync_wait(waits(at), source.token()) ? opened : stopped) += 1;
    over = true;
    opens.join();
    asks.join();
  }
  CHECK(opened + stopped == 500);
}

TEST_CASE("cancel: a coroutine whose promise knows no token waits as one that nobody stops") {
  struct plain {
    struct promise_type {
      plain get_return_object() noexcept { return {}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() noexcept {}
    };
  };
  static_assert(!frys::stoppable_promise<plain::promise_type>);
  gate at;
  bool through = false;
  [](gate& g, bool& end) -> plain { end = static_cast<bool>(co_await g.wait()); }(at, through);
  CHECK_FALSE(through);
  at.open();
  CHECK(through);
}

struct own_coroutine {
  struct promise_type {
    stop_token token;
    promise_type(stop_token t, stop_token&) noexcept : token(t) {}
    stop_token get_stop_token() const noexcept { return token; }
    own_coroutine get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept {}
  };
};
own_coroutine run_own(stop_token, stop_token& into) {
  auto child = [](stop_token& to) -> frys::task<> { to = co_await frys::this_task::stop_token(); };
  co_await child(into);
}

TEST_CASE("cancel: a promise of the user's hands its token on") {
  stop_source source;
  stop_token seen;
  run_own(source.token(), seen);
  CHECK(seen == source.token());
}

}  // namespace
