#include <doctest/doctest.h>

#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>
#include <frys/sched/timer_wheel.hpp>
#include <frys/sim/clock.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "stop_gate.hpp"

namespace {

using frys::deadline;
using frys::result;
using frys::task;
using frys::with_timeout;
using sched_tests::gate;
using std::chrono::milliseconds;

struct timeout_time;
using timeout_clock = frys::sim::basic_clock<timeout_time>;

// One thread's timers on a virtual clock, as a reactor's: a sleep ends where time is moved on, or by its destruction.
class virtual_timers {
 public:
  auto sleep_until(deadline until) noexcept {
    struct sleeper : frys::timer {
      using withdrawn_by_destruction [[maybe_unused]] = void;
      frys::timer_wheel<>& wheel;
      deadline until;
      std::coroutine_handle<> waiting;
      sleeper(frys::timer_wheel<>& w, deadline d) noexcept : frys::timer(&rings), wheel(w), until(d) {}
      ~sleeper() {
        if (is_pending()) wheel.cancel(*this);
      }
      static void rings(frys::timer& t) noexcept { static_cast<sleeper&>(t).waiting.resume(); }
      bool await_ready() const noexcept { return until.has_passed<timeout_clock>(); }
      void await_suspend(std::coroutine_handle<> h) noexcept {
        waiting = h;
        wheel.add(*this, until);
      }
      result<void> await_resume() const noexcept { return {}; }
    };
    return sleeper(wheel_, until);
  }
  void advance(milliseconds by) {
    timeout_clock::advance(by);
    wheel_.advance(timeout_clock::now());
  }
  [[nodiscard]] bool empty() const noexcept { return wheel_.empty(); }

 private:
  frys::timer_wheel<> wheel_;
};
deadline in(int ms) { return deadline::after<timeout_clock>(milliseconds(ms)); }

// Timers that any thread may use: a sleep takes a stop. `ring` lets the one that sleeps go on.
struct stoppable_timers {
  gate at;
  gate::waiter sleep_until(deadline) noexcept { return at.wait(); }
};

task<int> timed_later(gate& at, int n) {
  const auto went = co_await at.wait();
  co_return went ? n : -n;
}
task<result<int>> fallible(gate& at, int n) {
  const auto went = co_await at.wait();
  if (!went) co_return went.error();
  co_return n;
}
task<result<int>> stubborn(gate& at, int n) {
  (void)co_await at.wait();
  co_return n;
}

// Awaits it in a scope and says where it stands.
template <class Make>
struct timed {
  frys::task_scope scope;
  bool through = false;
  result<int> answer = frys::error{};
  explicit timed(Make make) {
    scope.spawn([](Make how, bool& end, result<int>& into) -> task<> {
      into = co_await how();
      end = true;
    }(make, through, answer));
  }
};

TEST_CASE("with_timeout: what ends in time is the answer, and the timer is gone") {
  timeout_clock::reset();
  virtual_timers timers;
  gate at;
  timed t([&] { return with_timeout(timers, timed_later(at, 4), in(50)); });
  timers.advance(milliseconds(40));
  CHECK_FALSE(t.through);
  CHECK_FALSE(timers.empty());
  at.open();
  CHECK(t.through);
  REQUIRE(t.answer.has_value());
  CHECK(*t.answer == 4);
  CHECK(timers.empty());
}

TEST_CASE("with_timeout: behind the deadline it is asked to stop, and timed_out is the answer") {
  timeout_clock::reset();
  virtual_timers timers;
  gate at;
  timed t([&] { return with_timeout(timers, timed_later(at, 4), in(50)); });
  timers.advance(milliseconds(100));
  CHECK(t.through);
  CHECK_FALSE(at.waits());
  REQUIRE_FALSE(t.answer.has_value());
  CHECK(t.answer.error() == frys::errc::timed_out);
  CHECK(t.answer.error().where == frys::domain::sched);
}

TEST_CASE("with_timeout: a result stays one level deep; cancelled by the deadline is timed_out") {
  timeout_clock::reset();
  virtual_timers timers;
  gate at, other;
  timed late([&] { return with_timeout(timers, fallible(at, 4), in(50)); });
  timed early([&] { return with_timeout(timers, fallible(other, 5), in(50)); });
  other.open();
  timers.advance(milliseconds(100));
  CHECK(late.answer.error() == frys::errc::timed_out);
  CHECK(*early.answer == 5);
}

TEST_CASE("with_timeout: a value that comes in spite of the deadline is not lost") {
  timeout_clock::reset();
  virtual_timers timers;
  gate at;
  timed t([&] { return with_timeout(timers, stubborn(at, 4), in(50)); });
  timers.advance(milliseconds(100));
  CHECK(t.through);
  CHECK(*t.answer == 4);
}

TEST_CASE("with_timeout: an error of another kind passes, whenever it comes") {
  timeout_clock::reset();
  virtual_timers timers;
  gate at;
  auto fails = [](gate& g) -> task<result<int>> {
    (void)co_await g.wait();
    co_return frys::error{frys::errc::connection_reset, frys::domain::io, "gone", 0};
  };
  timed t([&] { return with_timeout(timers, fails(at), in(50)); });
  timers.advance(milliseconds(100));
  CHECK(t.answer.error() == frys::errc::connection_reset);
}

TEST_CASE("with_timeout: a deadline that has passed lets it run to its first wait") {
  timeout_clock::reset();
  timeout_clock::advance(milliseconds(10));
  virtual_timers timers;
  gate at;
  timed waits([&] { return with_timeout(timers, timed_later(at, 4), deadline::now()); });
  CHECK(waits.answer.error() == frys::errc::timed_out);
  auto at_once = []() -> task<int> { co_return 9; };
  timed ends([&] { return with_timeout(timers, at_once(), deadline::now()); });
  CHECK(*ends.answer == 9);
}

TEST_CASE("with_timeout: something without an answer") {
  timeout_clock::reset();
  virtual_timers timers;
  auto nothing = []() -> task<> { co_return; };
  const result<void> r = frys::sync_wait(with_timeout(timers, nothing(), in(1)));
  CHECK(r.has_value());
  CHECK(timers.empty());
}

TEST_CASE("with_timeout: a stop that is asked of who waits is no deadline") {
  timeout_clock::reset();
  virtual_timers timers;
  gate at;
  frys::stop_source stop;
  stop.request_stop();
  const result<int> r = frys::sync_wait(with_timeout(timers, fallible(at, 1), in(50)), stop.token());
  REQUIRE_FALSE(r.has_value());
  CHECK(r.error() == frys::errc::cancelled);
  CHECK(timers.empty());
}

TEST_CASE("with_timeout: nested, the sooner deadline counts for the inner one") {
  timeout_clock::reset();
  virtual_timers timers;
  gate at;
  timed t([&] { return with_timeout(timers, with_timeout(timers, fallible(at, 1), in(100)), in(50)); });
  timers.advance(milliseconds(60));
  CHECK(t.through);
  CHECK(t.answer.error() == frys::errc::timed_out);
  CHECK(timers.empty());
}

TEST_CASE("with_timeout: timers of any thread, against an end on another one") {
  for (int round = 0; round < 300; ++round) {
    stoppable_timers timers;
    gate at;
    std::atomic<bool> over{false};
    std::thread rings([&] {
      while (!over && !timers.at.try_open()) std::this_thread::yield();
    });
    std::thread opens([&] {
      while (!over && !at.try_open()) std::this_thread::yield();
    });
    const result<int> r = frys::sync_wait(with_timeout(timers, fallible(at, 3), deadline::never()));
    over = true;
    rings.join();
    opens.join();
    CHECK((r.has_value() ? *r == 3 : r.error() == frys::errc::timed_out));
  }
}

TEST_CASE("with_timeout: destroyed while it waits, it leaves neither sleep nor body") {
  timeout_clock::reset();
  virtual_timers timers;
  gate at;
  {
    timed t([&] { return with_timeout(timers, timed_later(at, 4), in(50)); });
    CHECK_FALSE(timers.empty());
  }
  CHECK(timers.empty());
  CHECK_FALSE(at.waits());
}

TEST_CASE("abandon_after: what does not listen to a stop is destroyed where it waits") {
  timeout_clock::reset();
  virtual_timers timers;
  int live = 0;
  struct counted {
    int* n;
    explicit counted(int& of) : n(&of) { ++*n; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --*n; }
  };
  auto deaf = [](int& n) -> task<int> {
    counted here(n);
    co_await std::suspend_always();
    co_return 1;
  };
  timed t([&] { return frys::abandon_after(timers, deaf(live), in(50)); });
  CHECK(live == 1);
  timers.advance(milliseconds(60));
  CHECK(t.through);
  CHECK(t.answer.error() == frys::errc::timed_out);
  t.scope.cancel();
  CHECK(live == 0);
  gate at;
  timed in_time([&] { return frys::abandon_after(timers, timed_later(at, 2), in(50)); });
  at.open();
  CHECK(*in_time.answer == 2);
  CHECK(timers.empty());
}

#if FRYS_EXCEPTIONS
TEST_CASE("with_timeout: an exception passes, in time and behind the deadline") {
  timeout_clock::reset();
  virtual_timers timers;
  auto throws = []() -> task<int> {
    throw std::runtime_error("soon");
    co_return 1;
  };
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(with_timeout(timers, throws(), in(50)))), "soon",
                       std::runtime_error);
  CHECK(timers.empty());
}
#endif

}  // namespace
