// The scheduler and what stands on it, whole pools under many schedules (sim/run.hpp): nothing is lost, all ends.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include <frys/core/eventcount.hpp>
#include <frys/sched/fork_join.hpp>
#include <frys/sched/forked.hpp>
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/task_group.hpp>
#include <frys/sim/run.hpp>

namespace {

namespace sim = frys::sim;
using pool_world = frys::policy::world<sim::run_world>;
template <class... More>
using pool_in_run = frys::scheduler<pool_world, More...>;
template <class T>
using run_atomic = sim::atomics::atomic<T>;

constexpr std::uint64_t pool_seeds = 300;

template <class Body>
void pool_holds(Body&& body, std::uint64_t seeds = pool_seeds) {
  sim::run_options o;
  o.most_steps = 2'000'000;
  const auto r = sim::explore_seeds(0, seeds, body, o);
  CHECK_MESSAGE(r.ok(), r.text());
}

frys::scheduler_options pool_of(unsigned workers, unsigned guests = 2) {
  frys::scheduler_options o;
  o.workers = workers;
  o.guests = guests;
  o.stack_bytes = 0;
  return o;
}

// Tells how many live, so that what is dropped is seen.
struct counted_life {
  run_atomic<int>* alive;
  explicit counted_life(run_atomic<int>& a) noexcept : alive(&a) { alive->fetch_add(1); }
  counted_life(const counted_life& o) noexcept : alive(o.alive) { alive->fetch_add(1); }
  counted_life(counted_life&& o) noexcept : alive(o.alive) { alive->fetch_add(1); }
  counted_life& operator=(const counted_life&) = delete;
  ~counted_life() { alive->fetch_sub(1); }
};

// Two clients submit from outside, tasks submit more; drain waits for all.
template <class Pool>
void submits() {
  run_atomic<int> done{0};
  {
    auto pool = *Pool::create(pool_of(2, 1));
    const auto client = [&] {
      for (int i = 0; i < 4; ++i) {
        const auto taken = pool->submit([&, i] {
          done.fetch_add(1);
          if (i % 2 == 0) (void)pool->submit([&] { done.fetch_add(1); });
        });
        sim::require(bool(taken), "an open pool takes it");
      }
    };
    sim::thread a("client a", client), b("client b", client);
    client();
    a.join(), b.join();
    sim::require(pool->drain(), "it becomes quiet");
    sim::require(done.load() == 18, "each has run");
    sim::require(pool->stats().runs == 18, "and is counted");
  }
  sim::require(done.load() == 18, "once");
}

// The pool dies with work queued: what has not begun is destroyed, once; what runs ends.
template <class Pool>
void dies_full() {
  run_atomic<int> alive{0}, begun{0}, ended{0};
  {
    auto pool = *Pool::create(pool_of(2, 1));
    for (int i = 0; i < 8; ++i)
      (void)pool->submit([&, life = counted_life(alive)] {
        begun.fetch_add(1);
        if (begun.load() == 3) sim::sleep_for(std::chrono::milliseconds(1));
        ended.fetch_add(1);
      });
    if (sim::choose(2) == 0) sim::yield();
  }
  sim::require(begun.load() == ended.load(), "what has begun has ended");
  sim::require(alive.load() == 0, "and all are destroyed");
}

struct posted_node : frys::work {
  run_atomic<int>* runs = nullptr;
  int again = 0;
  pool_in_run<>* pool = nullptr;
  posted_node()
      : frys::work([](frys::work& w) noexcept {
          auto& n = static_cast<posted_node&>(w);
          n.runs->fetch_add(1);
          if (n.again-- > 0) n.pool->post(n);
        }) {}
};
void posts_nodes() {
  run_atomic<int> runs{0};
  posted_node nodes[4];
  auto pool = *pool_in_run<>::create(pool_of(2, 1));
  int expected = 0;
  for (int i = 0; i < 4; ++i) {
    nodes[i].runs = &runs, nodes[i].pool = pool.get(), nodes[i].again = i;
    expected += 1 + i;
  }
  sim::thread other("poster", [&] { pool->post(nodes[0]), pool->post(nodes[1]); });
  pool->post(nodes[2]), pool->post(nodes[3]);
  other.join();
  sim::require(pool->drain(), "it becomes quiet");
  sim::require(runs.load() == expected, "each as often as it was posted");
}

template <class Pool>
long fib_in_pool(int n) {
  if (n < 2) return n;
  const auto [a, b] = Pool::join([&] { return fib_in_pool<Pool>(n - 1); }, [&] { return fib_in_pool<Pool>(n - 2); });
  return a + b;
}
// Forks of two guests and of a task, at once.
template <class Pool>
void forks() {
  auto pool = *Pool::create(pool_of(2, 1));
  run_atomic<long> sum{0};
  const auto guest = [&] {
    const long f = pool->run([&] { return fib_in_pool<Pool>(6); });
    sim::require(f == 8, "fib(6)");
    pool->run([&] { Pool::parallel_for(0, 12, 2, [&](int i) { sum.fetch_add(i); }); });
  };
  sim::thread a("guest a", guest), b("guest b", guest);  // one seat: one of them asks a worker
  (void)pool->submit([&] { sum.fetch_add(fib_in_pool<Pool>(5)); });
  a.join(), b.join();
  sim::require(pool->drain(), "it becomes quiet");
  sim::require(sum.load() == 2 * 66 + 5, "each index once");
}

// Pieces that take their time: joins find nothing else to do, and sleep.
template <class Pool>
int slow_tree(int depth) {
  if (depth == 0) {
    if (sim::choose(3) == 0) sim::sleep_for(frys::nanoseconds{1000});
    return 1;
  }
  const auto [a, b] =
      Pool::join([&] { return slow_tree<Pool>(depth - 1); }, [&] { return slow_tree<Pool>(depth - 1); });
  return a + b;
}
template <class Pool>
void slow_forks() {
  auto pool = *Pool::create(pool_of(2, 1));
  sim::require(pool->run([&] { return slow_tree<Pool>(4); }) == 16, "each leaf once");
}

// A piece that waits for one that it has queued, or that came with it, holds nobody up: another worker takes that.
template <class Pool, bool Posts>
void waits_for_queued() {
  auto pool = *Pool::create(pool_of(2, 1));
  run_atomic<int> ran{0};
  struct node : frys::work {
    run_atomic<int>* ran = nullptr;
    node() : frys::work([](frys::work& w) noexcept { static_cast<node&>(w).ran->fetch_add(1); }) {}
  } second;
  second.ran = &ran;
  (void)pool->submit([&] {
    if constexpr (Posts)
      pool->post(second);
    else
      (void)pool->submit([&] { ran.fetch_add(1); });
    const auto until = frys::deadline::after<sim::clock>(std::chrono::seconds(10));
    while (ran.load() == 0 && sim::clock::now() < until.at) sim::sleep_for(std::chrono::milliseconds(1));
    sim::require(ran.load() == 1, "another worker takes it");
  });
  sim::require(pool->drain(), "it becomes quiet");
}
template <class Pool>
void waits_for_sibling() {
  auto pool = *Pool::create(pool_of(3, 1));
  run_atomic<int> here{0};
  const auto meet = [&] {  // all three at once
    here.fetch_add(1);
    const auto until = frys::deadline::after<sim::clock>(std::chrono::seconds(10));
    while (here.load() < 3 && sim::clock::now() < until.at) sim::sleep_for(std::chrono::milliseconds(1));
    sim::require(here.load() == 3, "three workers take three pieces");
  };
  using piece = decltype(meet);
  piece pieces[3] = {meet, meet, meet};
  if (sim::choose(2) == 0) {
    sim::require(pool->submit_all(std::span<piece>(pieces)) == 3, "there is room");
  } else {
    sim::thread other("other", [&] { (void)pool->submit(meet); });
    (void)pool->submit(meet);
    (void)pool->submit(meet);
  }
  sim::require(pool->drain(), "it becomes quiet");
}

void without_workers() {
  auto pool = *pool_in_run<>::create(pool_of(0, 2));
  run_atomic<int> done{0};
  for (int i = 0; i < 3; ++i) (void)pool->submit([&] { done.fetch_add(1); });
  sim::require(pool->run([] { return fib_in_pool<pool_in_run<>>(5); }) == 5, "the guest does it alone");
}

#if FRYS_EXCEPTIONS
run_atomic<int>* failures_seen = nullptr;
void task_failed(std::exception_ptr e) noexcept {
  try {
    std::rethrow_exception(e);
  } catch (const std::runtime_error&) {
    failures_seen->fetch_add(1);
  } catch (...) {
    sim::require(false, "the exception that was thrown");
  }
}
// Tasks that throw, while others throw and catch.
void throws() {
  run_atomic<int> seen{0}, alive{0};
  failures_seen = &seen;
  auto o = pool_of(3, 1);
  o.failed = &task_failed;
  auto pool = *pool_in_run<>::create(o);
  for (int i = 0; i < 6; ++i)
    (void)pool->submit([&, i, life = counted_life(alive)] {
      if (i % 2 == 0) throw std::runtime_error("a task");
    });
  int caught = 0;
  try {
    (void)pool->run([&] { return pool_in_run<>::join([&]() -> int { throw 1; }, [&]() -> int { throw 2; }); });
  } catch (int e) {
    caught = e;
  }
  sim::require(caught == 1, "the first piece's exception");
  sim::require(pool->drain(), "it becomes quiet");
  sim::require(seen.load() == 3, "each failure is told");
  sim::require(alive.load() == 0, "and its task destroyed");
}
void parallel_throws() {
  auto pool = *pool_in_run<>::create(pool_of(2, 1));
  run_atomic<int> done{0};
  bool caught = false;
  try {
    pool->run([&] {
      pool_in_run<>::parallel_for(0, 10, 1, [&](int i) {
        done.fetch_add(1);
        if (i == 3) throw std::runtime_error("in the middle");
      });
    });
  } catch (const std::runtime_error&) {
    caught = true;
  }
  sim::require(caught, "it comes out");
  const int then = done.load();
  sim::sleep_for(std::chrono::milliseconds(1));
  sim::require(done.load() == then, "when it comes out nothing runs any more");
}
void group_throws() {
  auto pool = *pool_in_run<>::create(pool_of(2, 1));
  run_atomic<int> alive{0};
  bool caught = false;
  pool->run([&] {
    frys::basic_task_group<pool_world> group;
    for (int i = 0; i < 6; ++i)
      (void)group.run([i, life = counted_life(alive)] {
        if (i == 2) throw std::runtime_error("one of them");
      });
    try {
      group.wait();
    } catch (const std::runtime_error&) {
      caught = true;
    }
  });
  sim::require(caught && alive.load() == 0, "it comes out, and all are destroyed");
}
#endif

// Groups whose tasks make more tasks, with a budget.
template <unsigned Budget>
void groups() {
  auto pool = *pool_in_run<>::create(pool_of(3, 1));
  run_atomic<int> done{0}, inside{0};
  pool->run([&] {
    frys::basic_task_group<pool_world> group(Budget);
    for (int i = 0; i < 5; ++i)
      (void)group.run([&, i] {
        const int n = inside.fetch_add(1) + 1;
        sim::require(Budget == 0 || n <= static_cast<int>(Budget), "no more than the budget at a time");
        done.fetch_add(1);
        if (i % 2 == 0) (void)group.run([&] { done.fetch_add(1); });
        inside.fetch_sub(1);
      });
    group.wait();
    sim::require(done.load() == 8, "all of it");
  });
}

// Sent to one worker alone; levels.
void addressed() {
  using pool_type = pool_in_run<frys::policy::levels<3>>;
  auto pool = *pool_type::create(pool_of(2, 1));
  run_atomic<int> done{0};
  std::uint32_t who[2] = {};
  for (unsigned i = 0; i < 8; ++i) {
    frys::submit_options o;
    o.worker = i % 2;
    o.level = i % 3;
    if (i > 5) o.worker = frys::submit_options::any_worker, o.wake = frys::wake::later;
    (void)pool->submit(
        [&, i] {
          if (i <= 5) {
            sim::require(who[i % 2] == 0 || who[i % 2] == sim::thread_number(), "always the same one");
            who[i % 2] = sim::thread_number();
          }
          done.fetch_add(1);
        },
        o);
  }
  sim::require(pool->drain(), "it becomes quiet");
  sim::require(done.load() == 8, "all of it");
}

// A drain that has a deadline, and a task that takes longer.
void drains_in_time() {
  auto pool = *pool_in_run<>::create(pool_of(2, 1));
  run_atomic<bool> over{false};
  (void)pool->submit([&] {
    sim::sleep_for(std::chrono::seconds(5));
    over.store(true);
  });
  sim::require(!pool->drain(frys::deadline::after<sim::clock>(std::chrono::seconds(1))), "not yet");
  sim::require(sim::clock::now() >= std::chrono::seconds(1) && !over.load(), "at the deadline");
  sim::require(pool->drain(), "and then");
  sim::require(over.load(), "it is over");
}

// Submits race with close: what is taken runs or is destroyed, and what is refused is not touched.
void closes() {
  run_atomic<int> alive{0}, ran{0};
  int taken = 0;
  {
    auto pool = *pool_in_run<>::create(pool_of(2, 1));
    sim::thread client("client", [&] {
      for (int i = 0; i < 5; ++i)
        if (pool->submit([&, life = counted_life(alive)] { ran.fetch_add(1); })) ++taken;
    });
    sim::yield();
    pool->close();
    client.join();
    sim::require(!pool->submit([] {}), "closed");
    sim::require(pool->drain(), "it becomes quiet");
    sim::require(ran.load() == taken, "what was taken has run");
  }
  sim::require(alive.load() == 0, "and is destroyed");
}

// Two pools that give each other work.
void ping_pools() {
  auto left = *pool_in_run<>::create(pool_of(1, 1)), right = *pool_in_run<>::create(pool_of(1, 1));
  run_atomic<int> turns{0};
  frys::eventcount<pool_world> changed;
  struct ball {
    static void hit(pool_in_run<>& here, pool_in_run<>& there, run_atomic<int>& turns,
                    frys::eventcount<pool_world>& c) {
      if (turns.fetch_add(1) + 1 == 10) return c.notify_all();
      (void)there.submit([&] { hit(there, here, turns, c); });
    }
  };
  (void)left->submit([&] { ball::hit(*left, *right, turns, changed); });
  changed.await([&] { return turns.load() == 10; });
  sim::require(left->drain() && right->drain(), "both become quiet");
}

frys::task<> moves_about(pool_in_run<>& pool, run_atomic<int>& steps) {
  for (int i = 0; i < 5; ++i) {
    co_await pool.schedule();
    sim::require(pool.is_here(), "on a worker");
    steps.fetch_add(1);
  }
}
void coroutines() {
  run_atomic<int> steps{0};
  auto pool = *pool_in_run<>::create(pool_of(2, 1));
  for (int i = 0; i < 3; ++i) frys::spawn(moves_about(*pool, steps));
  sim::require(pool->drain(), "it becomes quiet");
  sim::require(steps.load() == 15, "each has gone all its way");
}

frys::task<long> forked_fib(long n) {
  if (n < 2) co_return n;
  frys::forked<frys::task<long>, pool_world> second(forked_fib(n - 2));
  const long first = co_await forked_fib(n - 1);
  co_return first + co_await second;
}
frys::task<> forks_coroutines(pool_in_run<>& pool, run_atomic<long>& out) {
  co_await pool.schedule();
  out.store(co_await forked_fib(6));
}
void forked_coroutines() {
  run_atomic<long> out{0};
  auto pool = *pool_in_run<>::create(pool_of(3, 1));
  frys::spawn(forks_coroutines(*pool, out));
  sim::require(pool->drain(), "it becomes quiet");
  sim::require(out.load() == 8, "fib(6)");
}

}  // namespace

TEST_CASE("scheduler in runs: what is submitted from anywhere runs once") {
  pool_holds(&submits<pool_in_run<>>);
  pool_holds(&submits<pool_in_run<frys::policy::levels<3>>>, 150);
  pool_holds(&submits<pool_in_run<frys::policy::discipline<frys::discipline::work_sharing>>>, 150);
  pool_holds(&submits<pool_in_run<frys::policy::discipline<frys::discipline::shard_per_core>>>, 150);
  pool_holds(&submits<pool_in_run<frys::policy::discipline<frys::discipline::deadline>>>, 150);
  pool_holds(&submits<pool_in_run<frys::policy::wait<frys::wait::park>>>, 150);
}
TEST_CASE("scheduler in runs: a pool that dies full destroys what has not begun") {
  pool_holds(&dies_full<pool_in_run<>>);
  pool_holds(&dies_full<pool_in_run<frys::policy::discipline<frys::discipline::work_sharing>>>, 150);
  pool_holds(&dies_full<pool_in_run<frys::policy::discipline<frys::discipline::shard_per_core>>>, 150);
}
TEST_CASE("scheduler in runs: posted nodes run as often as they are posted") { pool_holds(&posts_nodes); }
TEST_CASE("scheduler in runs: forks of guests and of tasks come to their sum") {
  pool_holds(&forks<pool_in_run<>>);
  pool_holds(&forks<pool_in_run<frys::policy::promotion<frys::promotion::eager>>>, 150);
  pool_holds(&forks<pool_in_run<frys::policy::discipline<frys::discipline::work_sharing>>>, 150);
  pool_holds(&without_workers, 100);
}
TEST_CASE("scheduler in runs: joins that sleep are woken") {
  pool_holds(&slow_forks<pool_in_run<>>);
  pool_holds(&slow_forks<pool_in_run<frys::policy::wait<frys::wait::park>>>);
  pool_holds(
      &slow_forks<pool_in_run<frys::policy::wait<frys::wait::park>, frys::policy::promotion<frys::promotion::eager>>>);
}
TEST_CASE("scheduler in runs: a piece that waits for another one holds nobody up") {
  pool_holds(&waits_for_queued<pool_in_run<>, false>);
  pool_holds(&waits_for_queued<pool_in_run<>, true>);
  pool_holds(&waits_for_queued<pool_in_run<frys::policy::wait<frys::wait::park>>, true>);
  pool_holds(&waits_for_queued<pool_in_run<frys::policy::discipline<frys::discipline::work_sharing>>, false>);
  pool_holds(&waits_for_sibling<pool_in_run<>>);
  pool_holds(&waits_for_sibling<pool_in_run<frys::policy::wait<frys::wait::park>>>);
  pool_holds(&waits_for_sibling<pool_in_run<frys::policy::discipline<frys::discipline::work_sharing>>>);
}
#if FRYS_EXCEPTIONS
TEST_CASE("scheduler in runs: what tasks and forks throw arrives where it is taken") {
  pool_holds(&throws);
  pool_holds(&parallel_throws);
  pool_holds(&group_throws);
}
#endif
TEST_CASE("task_group in runs: waits for all that its tasks have made, within its budget") {
  pool_holds(&groups<0>);
  pool_holds(&groups<2>);
  pool_holds(&groups<1>, 150);
}
TEST_CASE("scheduler in runs: what is sent to a worker runs there; what wakes nobody runs at last") {
  pool_holds(&addressed);
}
TEST_CASE("scheduler in runs: drain waits until the deadline, and for the rest") { pool_holds(&drains_in_time, 150); }
TEST_CASE("scheduler in runs: close races with submit") { pool_holds(&closes); }
TEST_CASE("scheduler in runs: two pools give each other work") { pool_holds(&ping_pools); }
TEST_CASE("scheduler in runs: coroutines move to it, and fork") {
  pool_holds(&coroutines);
  pool_holds(&forked_coroutines);
}
