#include <frys/sched/forked.hpp>

#include <frys/sched/async_event.hpp>
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace {

std::unique_ptr<frys::scheduler<>> fork_pool(unsigned workers) {
  frys::scheduler_options o;
  o.workers = workers;
  return *frys::scheduler<>::create(o);
}

frys::task<long> task_fib(long n) {
  if (n < 2) co_return n;
  frys::forked second(task_fib(n - 2));
  const long first = co_await task_fib(n - 1);
  const long other = co_await second;
  co_return first + other;
}

frys::task<long> fib_on(frys::scheduler<>& pool, long n) {
  co_await pool.schedule();
  co_return co_await task_fib(n);
}

frys::task<int> raise_flag(std::atomic<int>& flag) {
  flag = 1;
  co_return 7;
}
// Ends only if somebody else runs what it has forked.
frys::task<int> waits_for_thief(frys::scheduler<>& pool) {
  co_await pool.schedule();
  std::atomic<int> flag{0};
  frys::forked other(raise_flag(flag));
  while (flag == 0) frys::tick(), std::this_thread::yield();
  co_return co_await other;
}

frys::task<int> waits_for(frys::async_event<>& event, std::atomic<int>& begun) {
  begun = 1;
  (void)co_await event.wait();
  co_return 1;
}
frys::task<void> dies_waiting(frys::async_event<>& event, std::atomic<int>& begun) {
  frys::forked other(waits_for(event, begun));
  while (begun == 0) frys::tick(), std::this_thread::yield();
  (void)co_await other;
  FAIL("it was destroyed here");
}

#if FRYS_EXCEPTIONS
frys::task<int> fails(std::atomic<int>* flag = nullptr) {
  if (flag != nullptr) *flag = 1;
  throw std::string("forked");
  co_return 0;
}
frys::task<int> fails_there(frys::scheduler<>& pool, bool taken) {
  co_await pool.schedule();
  std::atomic<int> flag{0};
  frys::forked other(fails(&flag));
  while (taken && flag == 0) frys::tick(), std::this_thread::yield();
  co_return co_await other;
}
frys::task<int> ends_late(std::atomic<int>& begun, std::atomic<int>& go, std::shared_ptr<int> alive) {
  begun = 1;
  while (go == 0) std::this_thread::yield();
  std::this_thread::yield();
  *alive = 2;
  co_return 1;
}
frys::task<int> throws_past(frys::scheduler<>& pool, bool taken, std::shared_ptr<int> alive) {
  co_await pool.schedule();
  std::atomic<int> begun{0}, go{0};
  frys::forked other(ends_late(begun, go, alive));
  while (taken && begun == 0) frys::tick(), std::this_thread::yield();
  go = 1;
  throw std::string("past");
  co_return 0;
}
#endif

}  // namespace

TEST_CASE("forked: tasks fork tasks, by one worker and by several, and outside of any pool") {
  CHECK(frys::sync_wait(task_fib(12)) == 144);
  for (unsigned workers : {1u, 3u}) {
    auto pool = fork_pool(workers);
    CHECK(frys::sync_wait(fib_on(*pool, 16)) == 987);
    CHECK(pool->drain());
  }
}

TEST_CASE("forked: a worker with nothing to do takes it while its parent goes on") {
  auto pool = fork_pool(2);
  for (int i = 0; i < 20; ++i) CHECK(frys::sync_wait(waits_for_thief(*pool)) == 7);
  CHECK(pool->stats().forks >= 20);
}

TEST_CASE("forked: a coroutine that is destroyed while it waits keeps its frame until the task has ended") {
  auto pool = fork_pool(1);
  frys::async_event<> event;
  std::atomic<int> begun{0}, busy{0}, release{0};
  pool->run([&] {
    frys::task_scope scope;
    scope.spawn(dies_waiting(event, begun));  // now it waits; what it has forked waits for the event
    frys::submit_options there;
    there.worker = 0;
    REQUIRE(pool->submit(
        [&] {
          busy = 1;
          while (release == 0) std::this_thread::yield();
        },
        there));
    while (busy == 0) std::this_thread::yield();
    // The only worker is busy: this runs here, inside the destructor that waits.
    REQUIRE(pool->submit([&] { event.set(); }));
    scope.cancel();
    CHECK(event.is_set());
    release = 1;
  });
  CHECK(pool->drain());
}

#if FRYS_EXCEPTIONS
TEST_CASE("forked: an exception comes out of the await, wherever the task ran") {
  auto pool = fork_pool(2);
  CHECK_THROWS_WITH(frys::sync_wait(fails_there(*pool, false)), "forked");
  CHECK_THROWS_WITH(frys::sync_wait(fails_there(*pool, true)), "forked");
}

TEST_CASE("forked: an exception that passes by waits for what was begun, and drops what was not") {
  auto pool = fork_pool(2);
  auto alive = std::make_shared<int>(1);
  CHECK_THROWS_WITH(frys::sync_wait(throws_past(*pool, true, alive)), "past");
  CHECK(*alive == 2);
  CHECK_THROWS_WITH(frys::sync_wait(throws_past(*pool, false, alive)), "past");
  CHECK(pool->drain());
  CHECK(alive.use_count() == 1);
}
#endif
