#include <frys/sched/task_group.hpp>

#include <frys/sched/scheduler.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace {

std::unique_ptr<frys::scheduler<>> group_pool(unsigned workers) {
  frys::scheduler_options o;
  o.workers = workers;
  return *frys::scheduler<>::create(o);
}

void grow(frys::task_group& g, std::atomic<int>& seen, int depth) {
  ++seen;
  for (int i = 0; depth > 0 && i < 3; ++i) REQUIRE(g.run([&g, &seen, depth] { grow(g, seen, depth - 1); }));
}

}  // namespace

TEST_CASE("task_group: waits for all of its tasks, also those that tasks have added") {
  for (unsigned workers : {0u, 1u, 3u}) {
    auto pool = group_pool(workers);
    std::atomic<int> seen{0};
    pool->run([&] {
      frys::task_group g;
      grow(g, seen, 5);
      g.wait();
      CHECK(seen == 364);
      seen = 0;
      grow(g, seen, 2);  // again
    });                  // its destructor waits
    CHECK(seen == 13);
  }
}

TEST_CASE("task_group: groups within groups need no more stack than calls") {
  struct tree {
    static int grow(int depth) {
      if (depth == 0) return 1;
      std::atomic<int> sum{0};
      frys::task_group g;
      for (int i = 0; i < 4; ++i) REQUIRE(g.run([&sum, depth] { sum += grow(depth - 1); }));
      // Far more than the serial depth would be seen here: a frame for each of the siblings that wait.
      thread_local int inside = 0;
      struct level {
        level() { CHECK(++inside <= 6 + 8 * 16); }
        ~level() { --inside; }
      } const here;
      g.wait();
      return sum;
    }
  };
  auto pool = group_pool(0);
  CHECK(pool->run([] { return tree::grow(6); }) == 4096);
  auto two = group_pool(1);
  CHECK(two->run([] { return tree::grow(6); }) == 4096);
}

TEST_CASE("task_group: on a thread of no scheduler run calls at once") {
  frys::task_group g;
  int n = 0;
  REQUIRE(g.run([&] { ++n; }));
  CHECK(n == 1);
  g.wait();
}

TEST_CASE("task_group: no more tasks at a time than its budget") {
  auto pool = group_pool(4);
  std::atomic<int> now{0}, most{0}, all{0};
  pool->run([&] {
    frys::task_group g(2);
    for (int i = 0; i < 200; ++i)
      REQUIRE(g.run([&] {
        const int n = ++now;
        int m = most;
        while (m < n && !most.compare_exchange_weak(m, n)) {
        }
        if (n > 1 || all < 4) std::this_thread::yield();
        ++all;
        --now;
      }));
    g.wait();
  });
  CHECK(all == 200);
  CHECK(most <= 2);
}

TEST_CASE("task_group: what is cancelled before it begins does not run, and dies") {
  auto pool = group_pool(0);
  auto alive = std::make_shared<int>(0);
  int runs = 0;
  pool->run([&] {
    frys::task_group g;
    for (int i = 0; i < 10; ++i) REQUIRE(g.run([&, alive] { ++runs; }));
    CHECK(alive.use_count() == 11);
    g.cancel();
    g.wait();
    CHECK_FALSE(g.is_cancelled());
    REQUIRE(g.run([&] { ++runs; }));
    g.wait();
  });
  CHECK(runs == 1);
  CHECK(alive.use_count() == 1);
}

#if FRYS_EXCEPTIONS
TEST_CASE("task_group: the first exception comes out of wait, and what has not begun does not run") {
  for (unsigned budget : {0u, 1u}) {
    auto pool = group_pool(0);
    pool->run([&] {
      frys::task_group g(budget);
      int runs = 0;
      // Without a budget the newest runs first, with one the oldest.
      if (budget != 0) REQUIRE(g.run([] { throw std::string("one"); }));
      for (int i = 0; i < 5; ++i) REQUIRE(g.run([&] { ++runs; }));
      if (budget == 0) REQUIRE(g.run([] { throw std::string("one"); }));
      CHECK_THROWS_WITH(g.wait(), "one");
      CHECK(runs == 0);
      g.wait();
      REQUIRE(g.run([&] { runs = 100; }));
      g.wait();
      CHECK(runs == 100);
    });
  }
}
#endif
