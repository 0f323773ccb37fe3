#include <doctest/doctest.h>

#include <frys/sched/async_scope.hpp>
#include <frys/sched/task.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "stop_gate.hpp"

namespace {

using frys::async_scope;
using frys::result;
using frys::task;
using sched_tests::gate;

// Runs work on a thread of its own, in the order of its coming.
class worker_thread {
 public:
  worker_thread() : thread_([this] { run(); }) {}
  ~worker_thread() {
    {
      const std::lock_guard held(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  void post(frys::work& w) noexcept {
    const std::lock_guard held(mutex_);
    *last_ = &w;
    last_ = &w.next;
    w.next = nullptr;
    changed_.notify_one();
  }
  [[nodiscard]] std::thread::id id() const { return thread_.get_id(); }

 private:
  void run() {
    std::unique_lock held(mutex_);
    for (;;) {
      changed_.wait(held, [this] { return first_ != nullptr || ending_; });
      frys::work* const w = first_;
      if (w == nullptr) return;
      first_ = w->next;
      if (first_ == nullptr) last_ = &first_;
      held.unlock();
      w->run(*w);
      held.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  frys::work* first_ = nullptr;
  frys::work** last_ = &first_;
  bool ending_ = false;
  std::thread thread_;
};

task<> scoped_wait(gate& at, int& ended, int& stopped) { (co_await at.wait() ? ended : stopped) += 1; }
template <class Scope>
task<result<void>> joins(Scope& scope) {
  co_return co_await scope.join();
}

TEST_CASE("async_scope: the join answers when every task has ended") {
  async_scope scope;
  gate a, b;
  int ended = 0, stopped = 0;
  REQUIRE(scope.spawn(scoped_wait(a, ended, stopped)));
  REQUIRE(scope.spawn(scoped_wait(b, ended, stopped)));
  CHECK(scope.size_hint() == 2);
  bool through = false;
  frys::task_scope outer;
  outer.spawn([](async_scope& s, bool& end) -> task<> {
    CHECK(static_cast<bool>(co_await s.join()));
    end = true;
  }(scope, through));
  a.open();
  CHECK_FALSE(through);
  CHECK(scope.size_hint() == 1);
  b.open();
  CHECK(through);
  CHECK(ended == 2);
}

TEST_CASE("async_scope: one without tasks is joined at once, or just goes") {
  async_scope never_used;
  async_scope scope;
  CHECK(static_cast<bool>(frys::sync_wait(joins(scope))));
}

TEST_CASE("async_scope: one whose tasks have ended may go without a join") {
  async_scope scope;
  gate at;
  int ended = 0, stopped = 0;
  REQUIRE(scope.spawn(scoped_wait(at, ended, stopped)));
  at.open();
  CHECK(scope.size_hint() == 0);
}

TEST_CASE("async_scope: behind its join it takes no more tasks") {
  async_scope scope;
  CHECK(static_cast<bool>(frys::sync_wait(joins(scope))));
  gate at;
  int ended = 0, stopped = 0;
  const result<void> refused = scope.spawn(scoped_wait(at, ended, stopped));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() == frys::errc::closed);
  CHECK_FALSE(at.waits());
  CHECK_FALSE(scope.request_stop());
}

TEST_CASE("async_scope: a task spawns tasks while the scope is joined") {
  async_scope scope;
  gate at;
  int leaves = 0;
  struct grow {
    static task<> tree(async_scope& in, int depth, int& count) {
      if (depth == 0) {
        ++count;
        co_return;
      }
      REQUIRE(in.spawn(tree(in, depth - 1, count)));
      REQUIRE(in.spawn(tree(in, depth - 1, count)));
    }
    static task<> later(async_scope& in, gate& g, int& count) {
      (void)co_await g.wait();
      REQUIRE(in.spawn(tree(in, 5, count)));
    }
  };
  REQUIRE(scope.spawn(grow::later(scope, at, leaves)));
  frys::task_scope outer;
  bool through = false;
  outer.spawn([](async_scope& s, bool& end) -> task<> {
    (void)co_await s.join();
    end = true;
  }(scope, through));
  CHECK_FALSE(through);
  at.open();
  CHECK(through);
  CHECK(leaves == 32);
}

TEST_CASE("async_scope: a stop reaches every task, those that come later too") {
  async_scope scope;
  gate a, b;
  int ended = 0, stopped = 0;
  REQUIRE(scope.spawn(scoped_wait(a, ended, stopped)));
  CHECK(scope.request_stop());
  CHECK_FALSE(scope.request_stop());
  REQUIRE(scope.spawn(scoped_wait(b, ended, stopped)));
  CHECK(stopped == 2);
  CHECK(static_cast<bool>(frys::sync_wait(joins(scope))));
}

TEST_CASE("async_scope: a stop that is asked of who joins reaches the tasks") {
  async_scope scope;
  gate at;
  int ended = 0, stopped = 0;
  REQUIRE(scope.spawn(scoped_wait(at, ended, stopped)));
  frys::stop_source stop;
  stop.request_stop();
  CHECK(static_cast<bool>(frys::sync_wait(joins(scope), stop.token())));
  CHECK(stopped == 1);
}

task<result<void>> answers_error(frys::errc code) { co_return frys::error{code, frys::domain::user, "on purpose", 0}; }

TEST_CASE("async_scope: the first error is the join's, and stops the rest") {
  async_scope scope;
  gate at;
  int ended = 0, stopped = 0;
  REQUIRE(scope.spawn(scoped_wait(at, ended, stopped)));
  REQUIRE(scope.spawn(answers_error(frys::errc::corrupt)));
  CHECK(stopped == 1);
  REQUIRE(scope.spawn(answers_error(frys::errc::full)));
  const result<void> r = frys::sync_wait(joins(scope));
  REQUIRE_FALSE(r.has_value());
  CHECK(r.error() == frys::errc::corrupt);
}

TEST_CASE("async_scope: cancelled is no failure") {
  async_scope scope;
  REQUIRE(scope.spawn(answers_error(frys::errc::cancelled)));
  CHECK_FALSE(scope.token().stop_requested());
  CHECK(static_cast<bool>(frys::sync_wait(joins(scope))));
}

TEST_CASE("async_scope: with failures::run_on the others run on") {
  frys::basic_async_scope<frys::policy::failure<frys::failures::run_on>> scope;
  gate at;
  int ended = 0, stopped = 0;
  REQUIRE(scope.spawn(scoped_wait(at, ended, stopped)));
  REQUIRE(scope.spawn(answers_error(frys::errc::corrupt)));
  CHECK(at.waits());
  at.open();
  CHECK(ended == 1);
  CHECK(frys::sync_wait(joins(scope)).error() == frys::errc::corrupt);
}

TEST_CASE("async_scope: tasks run on the executor that they were spawned on") {
  worker_thread one, two;
  async_scope scope;
  std::thread::id first, second;
  const auto where = [](std::thread::id& into) -> task<> {
    into = std::this_thread::get_id();
    co_return;
  };
  REQUIRE(scope.spawn(one, where(first)));
  REQUIRE(scope.spawn(two, where(second)));
  CHECK(static_cast<bool>(frys::sync_wait(joins(scope))));
  CHECK(first == one.id());
  CHECK(second == two.id());
}

TEST_CASE("async_scope: many tasks on several threads, spawned from several, all over at the join") {
  worker_thread workers[2];
  async_scope scope;
  std::atomic<int> ran{0};
  struct many {
    static task<> leaf(std::atomic<int>& n) {
      ++n;
      co_return;
    }
    static task<> node(async_scope& in, worker_thread* on, std::atomic<int>& n) {
      for (int i = 0; i < 50; ++i) REQUIRE(in.spawn(on[i % 2], leaf(n)));
      co_return;
    }
  };
  for (int i = 0; i < 10; ++i) REQUIRE(scope.spawn(workers[i % 2], many::node(scope, workers, ran)));
  CHECK(static_cast<bool>(frys::sync_wait(joins(scope))));
  CHECK(ran == 500);
}

TEST_CASE("async_scope: a stop against tasks that end") {
  worker_thread workers[2];
  for (int round = 0; round < 100; ++round) {
    async_scope scope;
    gate at[4];
    int ended[4] = {}, stopped[4] = {};
    std::atomic<bool> over{false};
    for (int i = 0; i < 4; ++i) REQUIRE(scope.spawn(workers[i % 2], scoped_wait(at[i], ended[i], stopped[i])));
    std::thread opens([&] {
      while (!over)
        for (gate& g : at) g.open();
    });
    std::thread asks([&] { scope.request_stop(); });
    asks.join();
    CHECK(static_cast<bool>(frys::sync_wait(joins(scope))));
    over = true;
    opens.join();
    for (int i = 0; i < 4; ++i) CHECK(ended[i] + stopped[i] == 1);
  }
}

TEST_CASE("resume_on: goes on in work of the executor") {
  worker_thread there;
  const auto body = [](worker_thread& on) -> task<bool> {
    co_await frys::resume_on(on);
    co_return std::this_thread::get_id() == on.id();
  };
  CHECK(frys::sync_wait(body(there)));
}

#if FRYS_EXCEPTIONS
TEST_CASE("async_scope: the first exception stops the rest and is rethrown by the join") {
  async_scope scope;
  gate at;
  int ended = 0, stopped = 0;
  auto throws = [](const char* what) -> task<> {
    throw std::runtime_error(what);
    co_return;
  };
  REQUIRE(scope.spawn(scoped_wait(at, ended, stopped)));
  REQUIRE(scope.spawn(throws("first")));
  REQUIRE(scope.spawn(throws("second")));
  CHECK(stopped == 1);
  CHECK_THROWS_WITH_AS(static_cast<void>(frys::sync_wait(joins(scope))), "first", std::runtime_error);
}
#endif

}  // namespace
