#include <doctest/doctest.h>

#include <frys/sched/from_callback.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/when_any.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace {

using frys::callback;
using frys::from_callback;
using frys::result;
using frys::task;

// Awaits it and answers what it answers.
template <class Thing>
task<result<int>> told(Thing thing) {
  co_return co_await std::move(thing);
}

// A C library: an operation is ended by who calls finish, or by a cancel, which ends it there and then.
struct c_operation {
  void (*call)(void*, int) = nullptr;
  void* argument = nullptr;
};
void c_begin(c_operation& op, void (*call)(void*, int), void* argument) { op = {call, argument}; }
void c_finish(c_operation& op, int n) {
  const c_operation now = std::exchange(op, {});
  if (now.call != nullptr) now.call(now.argument, n);
}
auto c_call(c_operation& op) {
  return [&op](callback<int> done) {
    c_begin(
        op,
        [](void* p, int n) {
          const auto to = callback<int>::from_address(p);
          if (n < 0)
            to.fail(frys::cancelled_error());
          else
            to(n);
        },
        done.address());
  };
}

TEST_CASE("from_callback: a callback before the beginning call returns") {
  const auto r = frys::sync_wait(told(from_callback<int>([](callback<int> done) { done(4); })));
  CHECK(*r == 4);
}

TEST_CASE("from_callback: a callback later, of a C function") {
  c_operation op;
  frys::task_scope scope;
  int got = 0;
  scope.spawn([](c_operation& o, int& into) -> task<> { into = *co_await from_callback<int>(c_call(o)); }(op, got));
  CHECK(got == 0);
  c_finish(op, 6);
  CHECK(got == 6);
}

TEST_CASE("from_callback: a callback from another thread, whenever it comes") {
  for (int round = 0; round < 300; ++round) {
    std::thread other;
    const auto r = frys::sync_wait(told(from_callback<int>([&](callback<int> done) {
      other = std::thread([done, round] { done(round); });
      if (round % 3 == 0) std::this_thread::yield();
    })));
    CHECK(*r == round);
    other.join();
  }
}

TEST_CASE("from_callback: nothing to tell but the end, a value that only moves, and a failure") {
  const auto body = []() -> task<int> {
    const result<void> end = co_await from_callback<void>([](callback<> done) { done(); });
    CHECK(end.has_value());
    auto boxed = co_await from_callback<std::unique_ptr<int>>(
        [](callback<std::unique_ptr<int>> done) { done(std::make_unique<int>(3)); });
    CHECK(**boxed == 3);
    const auto failed = co_await from_callback<int>([](callback<int> done) {
      done.fail({frys::errc::io_failed, frys::domain::user, "broken", 5});
    });
    CHECK(failed.error() == frys::errc::io_failed);
    CHECK(failed.error().number == 5);
    co_return 1;
  };
  CHECK(frys::sync_wait(body()) == 1);
}

TEST_CASE("from_callback: a stop before the beginning begins nothing") {
  bool begun = false;
  frys::stop_source stop;
  stop.request_stop();
  const auto r =
      frys::sync_wait(told(from_callback<int>([&](callback<int> done) { begun = true, done(1); })), stop.token());
  CHECK_FALSE(begun);
  CHECK(r.error() == frys::errc::cancelled);
}

TEST_CASE("from_callback: a stop calls cancel, which may call back itself") {
  c_operation op;
  int cancels = 0;
  frys::stop_source stop;
  std::atomic<bool> waits{false};
  std::thread asks([&] {
    while (!waits) std::this_thread::yield();
    stop.request_stop();
    stop.request_stop();
  });
  const auto r = frys::sync_wait(told(from_callback<int>(
                                     [&](callback<int> done) {
                                       c_call(op)(done);
                                       waits = true;
                                     },
                                     [&] {
                                       ++cancels;
                                       c_finish(op, -1);
                                     })),
                                 stop.token());
  asks.join();
  CHECK(r.error() == frys::errc::cancelled);
  CHECK(cancels == 1);
}

TEST_CASE("from_callback: without a cancel a stop waits for the callback") {
  c_operation op;
  std::atomic<bool> begun{false};
  frys::stop_source stop;
  std::thread other([&] {
    while (!begun) std::this_thread::yield();
    stop.request_stop();
    c_finish(op, 2);
  });
  const auto r = frys::sync_wait(told(from_callback<int>([&](callback<int> done) {
                                   c_call(op)(done);
                                   begun = true;
                                 })),
                                 stop.token());
  other.join();
  CHECK(*r == 2);
}

TEST_CASE("from_callback: a stop, a cancel that calls back and an end of its own, at once") {
  int ended = 0, cancelled = 0;
  for (int round = 0; round < 500; ++round) {
    // 0: under way; whoever takes it to 1 calls back.
    std::atomic<int> taken{0};
    std::atomic<void*> done{nullptr};
    frys::stop_source stop;
    const auto call = [&](int n) {
      void* p = nullptr;
      while ((p = done.load()) == nullptr) std::this_thread::yield();
      if (taken.exchange(1) == 0) {
        const auto to = callback<int>::from_address(p);
        if (n < 0)
          to.fail(frys::cancelled_error());
        else
          to(n);
      }
    };
    std::thread ends([&] { call(1); });
    std::thread asks([&] {
      while (done.load() == nullptr) std::this_thread::yield();
      stop.request_stop();
    });
    const auto r = frys::sync_wait(
        told(from_callback<int>([&](callback<int> d) { done = d.address(); }, [&] { call(-1); })), stop.token());
    ends.join();
    asks.join();
    (r ? ended : cancelled) += 1;
  }
  CHECK(ended + cancelled == 500);
}

TEST_CASE("from_callback: as a loser of when_any it is cancelled and waited for") {
  c_operation op;
  bool cancelled = false;
  auto now = []() -> task<int> { co_return 1; };
  const auto first = frys::sync_wait(frys::when_any(told(from_callback<int>(c_call(op),
                                                                            [&] {
                                                                              cancelled = true;
                                                                              c_finish(op, -1);
                                                                            })),
                                                    now()));
  CHECK(first.index() == 1);
  CHECK(cancelled);
}

}  // namespace
