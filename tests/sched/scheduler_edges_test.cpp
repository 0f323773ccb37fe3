// What goes wrong seldom: guests that leave work behind, waits within tasks, workers that lie down while work comes.
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task_group.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace {

namespace edge_policy = frys::policy;

template <class Pool = frys::scheduler<>>
std::unique_ptr<Pool> edge_pool(unsigned workers, unsigned guests = 4) {
  frys::scheduler_options o;
  o.workers = workers;
  o.guests = guests;
  return *Pool::create(o);
}

template <class Discipline>
using pool_with = frys::scheduler<edge_policy::discipline<Discipline>>;

template <class Pool>
void guest_leaves_work() {
  auto pool = edge_pool<Pool>(2);
  std::atomic<int> runs{0};
  for (int round = 0; round < 20; ++round) {
    CHECK(pool->drain());  // all sleep
    pool->run([&] {
      for (int i = 0; i < 10; ++i) REQUIRE(pool->submit([&] { ++runs; }));
    });
  }
  CHECK(pool->drain());
  CHECK(runs == 200);
}

struct flag_work : frys::work {
  std::atomic<bool> ran{false};
  flag_work() : frys::work([](frys::work& w) noexcept { static_cast<flag_work&>(w).ran = true; }) {}
};

template <class Wait>
void newest_is_taken() {
  auto pool = edge_pool<frys::scheduler<edge_policy::wait<Wait>>>(2);
  flag_work made;
  REQUIRE(pool->submit([&] {
    pool->post(made);
    while (!made.ran) std::this_thread::yield();  // the other worker takes it
  }));
  CHECK(pool->drain());
  CHECK(made.ran);
}

template <class Pool>
void drain_counts_all() {
  auto pool = edge_pool<Pool>(2);
  for (int round = 0; round < 2000; ++round) {
    std::atomic<int> runs{0};
    for (int i = 0; i < 3; ++i)
      REQUIRE(pool->submit([&] {
        if (round % 4 == 0) std::this_thread::yield();
        REQUIRE(pool->submit([&] { ++runs; }));
      }));
    REQUIRE(pool->drain());
    REQUIRE(runs == 3);
  }
}

}  // namespace

TEST_CASE("scheduler: what a guest leaves behind is run, whatever the discipline") {
  guest_leaves_work<frys::scheduler<>>();
  guest_leaves_work<frys::scheduler<edge_policy::levels<3>>>();
  guest_leaves_work<pool_with<frys::discipline::work_sharing>>();
  guest_leaves_work<pool_with<frys::discipline::shard_per_core>>();
}

TEST_CASE("scheduler: a pool without workers keeps what a guest leaves, and goes on") {
  auto pool = edge_pool(0, 1);
  auto life = std::make_shared<int>(1);
  pool->run([&] { REQUIRE(pool->submit([life] {})); });
  CHECK(life.use_count() == 2);
  pool.reset();
  CHECK(life.use_count() == 1);
}

TEST_CASE("scheduler: without workers a second guest waits until the seat is free") {
  auto pool = edge_pool(0, 1);
  std::atomic<int> inside{0}, most{0};
  std::vector<std::thread> guests;
  for (int t = 0; t < 3; ++t)
    guests.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        pool->run([&] {
          if (++inside > most) most = inside.load();
          --inside;
        });
    });
  for (auto& g : guests) g.join();
  CHECK(most == 1);
}

TEST_CASE("scheduler: what a task posts is taken by others while the task goes on, however workers wait") {
  newest_is_taken<frys::wait::spin_then_park>();
  newest_is_taken<frys::wait::park>();
  newest_is_taken<frys::wait::yield>();
}

TEST_CASE("scheduler: drain answers only when all is done") {
  drain_counts_all<frys::scheduler<>>();
  drain_counts_all<frys::scheduler<edge_policy::wait<frys::wait::park>>>();
  drain_counts_all<pool_with<frys::discipline::work_sharing>>();
  drain_counts_all<pool_with<frys::discipline::shard_per_core>>();
}

TEST_CASE("scheduler: drain ends a submit's wake::later") {
  auto pool = edge_pool(1);
  std::atomic<int> runs{0};
  CHECK(pool->drain());
  for (int i = 0; i < 100; ++i) {
    REQUIRE(pool->submit([&] { ++runs; }, {.wake = frys::wake::later}));
    REQUIRE(pool->drain());
    REQUIRE(runs == i + 1);
  }
  // And one that comes while it waits.
  std::atomic<bool> begun{false};
  REQUIRE(pool->submit([&] {
    begun = true;
    while (runs < 101) std::this_thread::yield();
  }));
  while (!begun) std::this_thread::yield();
  std::thread drains([&] { CHECK(pool->drain()); });
  REQUIRE(pool->submit([&] { ++runs; }, {.worker = 0, .wake = frys::wake::later}));
  ++runs;
  drains.join();
  CHECK(runs == 102);
}

TEST_CASE("scheduler: a task that waits for a group is not a worker at rest") {
  frys::scheduler_options o;
  o.workers = 2;
  o.search_rounds = 1;  // so that it sleeps in the wait at once
  auto pool = *frys::scheduler<>::create(o);
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> done{0};
    REQUIRE(pool->submit([&] {
      frys::basic_task_group<> group;
      REQUIRE(group.run([&] {
        for (int i = 0; i < 20; ++i) std::this_thread::yield();
        ++done;
      }));
      group.wait();
      ++done;
    }));
    REQUIRE(pool->drain());
    REQUIRE(done == 2);
  }
}

TEST_CASE("fork_join: a question that comes before the forks is answered by the first") {
  auto pool = edge_pool(1, 1);
  CHECK(pool->drain());  // the worker sleeps, and has asked before
  std::atomic<bool> taken{false};
  pool->run([&] {
    frys::tick();  // nothing to give yet
    auto other = [&] { taken = true; };
    (void)frys::join(
        [&] {
          while (!taken) std::this_thread::yield();
        },
        other);
  });
  CHECK(taken);
}
