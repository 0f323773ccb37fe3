#include <frys/sched/scheduler.hpp>

#include <frys/sched/task.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

template <class Pool = frys::scheduler<>>
std::unique_ptr<Pool> make_pool(unsigned workers, void (*failed)(std::exception_ptr) noexcept = nullptr) {
  frys::scheduler_options o;
  o.workers = workers;
  o.failed = failed;
  return *Pool::create(o);
}

struct counted_work : frys::work {
  std::atomic<int>* count = nullptr;
  counted_work() : frys::work([](frys::work& w) noexcept { static_cast<counted_work&>(w).count->fetch_add(1); }) {}
};

void wait_for(const std::atomic<int>& n, int value) {
  while (n != value) std::this_thread::yield();
}

frys::task<int> there(frys::scheduler<>& pool) {
  co_await pool.schedule();
  co_return pool.is_here() ? 1 : 0;
}

template <class Pool>
void all_run_once() {
  auto pool = make_pool<Pool>(3);
  std::atomic<int> runs{0};
  for (int i = 0; i < 500; ++i)
    REQUIRE(pool->submit([&] {
      ++runs;
      REQUIRE(pool->submit([&] { ++runs; }));
    }));
  CHECK(pool->drain());
  CHECK(runs == 1000);
  CHECK(pool->stats().runs == 1000);
}

}  // namespace

TEST_CASE("scheduler: what is submitted runs once, whatever the discipline") {
  namespace policy = frys::policy;
  namespace discipline = frys::discipline;
  all_run_once<frys::scheduler<>>();
  all_run_once<frys::scheduler<policy::discipline<discipline::work_sharing>>>();
  all_run_once<frys::scheduler<policy::discipline<discipline::shard_per_core>>>();
  all_run_once<frys::scheduler<policy::discipline<discipline::deadline>>>();
  all_run_once<frys::scheduler<policy::levels<3>>>();
  all_run_once<frys::scheduler<policy::levels<2>, policy::aging<0>>>();
  all_run_once<frys::scheduler<policy::wait<frys::wait::park>>>();
  all_run_once<frys::scheduler<policy::wait<frys::wait::yield>>>();
  all_run_once<frys::scheduler<policy::trace<frys::trace::ring<64>>>>();
}

TEST_CASE("scheduler: posted nodes run once, from outside and from a task") {
  auto pool = make_pool(2);
  std::atomic<int> runs{0};
  std::vector<counted_work> nodes(200);
  for (auto& n : nodes) n.count = &runs;
  for (std::size_t i = 0; i < 100; ++i) pool->post(nodes[i]);
  REQUIRE(pool->submit([&] {
    for (std::size_t i = 100; i < 200; ++i) pool->post(nodes[i]);
  }));
  CHECK(pool->drain());
  CHECK(runs == 200);
}

TEST_CASE("scheduler: a crowd in one call") {
  auto pool = make_pool(2);
  std::atomic<int> runs{0};
  auto one = [&] { ++runs; };
  std::vector<decltype(one)> many(1000, one);
  CHECK(pool->submit_all(std::span(many)) == 1000);
  CHECK(pool->drain());
  CHECK(runs == 1000);
}

TEST_CASE("scheduler: many outsiders submit at a time, and workers sleep between") {
  auto pool = make_pool(2);
  std::atomic<int> runs{0};
  std::vector<std::thread> outside;
  for (int t = 0; t < 3; ++t)
    outside.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        REQUIRE(pool->submit([&] { ++runs; }));
        if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  for (auto& t : outside) t.join();
  CHECK(pool->drain());
  CHECK(runs == 900);
}

TEST_CASE("scheduler: run makes the caller a worker and answers what the function answers") {
  auto pool = make_pool(1);
  CHECK_FALSE(pool->is_here());
  const auto got = pool->run([&] {
    CHECK(pool->is_here());
    return pool->run([] { return std::make_unique<int>(5); });  // inside it is a call
  });
  CHECK(*got == 5);
  CHECK_FALSE(pool->is_here());
  std::atomic<int> runs{0};
  pool->run([&] { REQUIRE(pool->submit([&] { ++runs; })); });  // not lost when the guest leaves
  CHECK(pool->drain());
  CHECK(runs == 1);
}

TEST_CASE("scheduler: without a seat run goes to a worker") {
  frys::scheduler_options o;
  o.workers = 1;
  o.guests = 0;
  auto pool = *frys::scheduler<>::create(o);
  const auto me = std::this_thread::get_id();
  CHECK(pool->run([&] { return std::this_thread::get_id() != me; }));
  pool->run([] {});
#if FRYS_EXCEPTIONS
  CHECK_THROWS_WITH(pool->run([] { throw std::string("there"); }), "there");
#endif
}

TEST_CASE("scheduler: two pools do not mix") {
  auto a = make_pool(1), b = make_pool(1);
  CHECK(a->run([&] { return b->run([&] { return b->is_here() && !a->is_here(); }); }));
  std::atomic<int> runs{0};
  REQUIRE(a->submit([&] { REQUIRE(b->submit([&] { runs += b->is_here() ? 1 : 0; })); }));
  CHECK(a->drain());
  CHECK(b->drain());
  CHECK(runs == 1);
}

TEST_CASE("scheduler: a piece for one worker runs there") {
  auto pool = make_pool(3);
  std::array<std::thread::id, 3> ids;
  std::atomic<int> wrong{0}, runs{0};
  for (unsigned w = 0; w < 3; ++w) {
    frys::submit_options to;
    to.worker = w;
    REQUIRE(pool->submit([&, w] { ids[w] = std::this_thread::get_id(), ++runs; }, to));
  }
  wait_for(runs, 3);
  for (unsigned i = 0; i < 300; ++i) {
    frys::submit_options to;
    to.worker = i % 3;
    REQUIRE(pool->submit([&, i] { wrong += ids[i % 3] != std::this_thread::get_id(), ++runs; }, to));
  }
  wait_for(runs, 303);
  CHECK(wrong == 0);
}

TEST_CASE("scheduler: a task that never yields holds up nobody else's work") {
  auto pool = make_pool(2);
  std::atomic<bool> stop{false};
  std::atomic<int> runs{0};
  REQUIRE(pool->submit([&] {
    // Queued by the one that goes on for ever, newest and others: the second worker must come for them.
    for (int i = 0; i < 20; ++i) REQUIRE(pool->submit([&] { ++runs; }));
    static counted_work last;
    last.count = &runs;
    pool->post(last);
    while (!stop) std::this_thread::yield();
  }));
  wait_for(runs, 21);
  stop = true;
  CHECK(pool->drain());
}

TEST_CASE("scheduler: urgent levels first, and aging lets the others come too") {
  using strict = frys::scheduler<frys::policy::levels<2>, frys::policy::aging<0>>;
  using aging = frys::scheduler<frys::policy::levels<2>, frys::policy::aging<4>>;
  const auto order = [](auto pool) {
    std::string seen;
    std::atomic<bool> begun{false}, go{false};
    REQUIRE(pool->submit([&] {
      begun = true;
      while (!go) std::this_thread::yield();
    }));
    while (!begun) std::this_thread::yield();
    frys::submit_options urgent, other;
    urgent.level = 0, other.level = 1;
    for (int i = 0; i < 12; ++i) REQUIRE(pool->submit([&] { seen += 'o'; }, other));
    for (int i = 0; i < 12; ++i) REQUIRE(pool->submit([&] { seen += 'u'; }, urgent));
    go = true;
    CHECK(pool->drain());
    return seen;
  };
  CHECK(order(make_pool<strict>(1)) == "uuuuuuuuuuuuoooooooooooo");
  const std::string aged = order(make_pool<aging>(1));
  CHECK(aged.size() == 24);
  CHECK(aged.find('o') < 8);
  CHECK(aged.rfind('u') > 11);
}

TEST_CASE("scheduler: the earliest deadline first") {
  using edf = frys::scheduler<frys::policy::discipline<frys::discipline::deadline>>;
  auto pool = make_pool<edf>(1);
  std::vector<int> seen;
  std::atomic<bool> begun{false}, go{false};
  REQUIRE(pool->submit([&] {
    begun = true;
    while (!go) std::this_thread::yield();
  }));
  while (!begun) std::this_thread::yield();
  for (int due : {50, 20, 90, 10, 70, 30, 30, 80}) {
    frys::submit_options o;
    o.due = frys::deadline{std::chrono::hours(due)};
    REQUIRE(pool->submit([&seen, due] { seen.push_back(due); }, o));
  }
  REQUIRE(pool->submit([&] { seen.push_back(1000); }));  // no deadline: behind all
  go = true;
  CHECK(pool->drain());
  CHECK(seen == std::vector<int>{10, 20, 30, 30, 50, 70, 80, 90, 1000});
}

#if FRYS_EXCEPTIONS
TEST_CASE("scheduler: a task's exception goes to the handler, and the worker goes on") {
  static std::atomic<int> told;
  told = 0;
  auto pool = make_pool(
      1, +[](std::exception_ptr e) noexcept {
        try {
          std::rethrow_exception(e);
        } catch (const std::string& s) {
          told += s == "boom" ? 1 : 100;
        }
      });
  std::atomic<int> runs{0};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(pool->submit([] { throw std::string("boom"); }));
    REQUIRE(pool->submit([&] { ++runs; }));
  }
  CHECK(pool->drain());
  CHECK(told == 3);
  CHECK(runs == 3);
}
#endif

TEST_CASE("scheduler: a task that is stopped before it begins does not run, and is counted") {
  struct token {
    const std::atomic<bool>* stop;
    bool stop_requested() const noexcept { return *stop; }
  };
  auto pool = make_pool(1);
  std::atomic<bool> stop{false}, begun{false}, go{false};
  std::atomic<int> runs{0};
  auto alive = std::make_shared<int>(0);
  REQUIRE(pool->submit([&] {
    begun = true;
    while (!go) std::this_thread::yield();
  }));
  while (!begun) std::this_thread::yield();
  REQUIRE(pool->submit(token{&stop}, [&, alive] { ++runs; }));
  stop = true;
  go = true;
  CHECK(pool->drain());
  CHECK(runs == 0);
  CHECK(pool->stats().dropped == 1);
  CHECK(alive.use_count() == 1);
}

TEST_CASE("scheduler: a closed pool refuses outsiders and runs what it has, also what that submits") {
  auto pool = make_pool(1);
  std::atomic<bool> begun{false}, go{false};
  std::atomic<int> runs{0};
  REQUIRE(pool->submit([&] {
    begun = true;
    while (!go) std::this_thread::yield();
    REQUIRE(pool->submit([&] { ++runs; }));
  }));
  while (!begun) std::this_thread::yield();
  pool->close();
  auto kept = std::make_unique<int>(1);
  CHECK(pool->submit([p = std::move(kept)] { (void)p; }).is_closed());
  go = true;
  CHECK(pool->drain());
  CHECK(runs == 1);
}

TEST_CASE("scheduler: drain answers false when work goes on past the deadline") {
  auto pool = make_pool(1);
  std::atomic<bool> go{false};
  REQUIRE(pool->submit([&] {
    while (!go) std::this_thread::yield();
  }));
  CHECK_FALSE(pool->drain(frys::deadline::after<frys::clocks::steady>(std::chrono::milliseconds(5))));
  go = true;
  CHECK(pool->drain());
}

TEST_CASE("scheduler: destroyed with work queued, callables die without a run and posted nodes are let go of") {
  std::atomic<int> runs{0};
  counted_work node;
  node.count = &runs;
  auto alive = std::make_shared<int>(0);
  std::atomic<bool> begun{false};
  auto pool = make_pool(1);
  auto* const p = pool.get();
  REQUIRE(pool->submit([&begun, p] {
    begun = true;
    while (!p->is_stopping()) std::this_thread::yield();
  }));
  while (!begun) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) REQUIRE(pool->submit([&, alive] { ++runs; }));
  pool->post(node);
  frys::submit_options to;
  to.worker = 0;
  REQUIRE(pool->submit([&, alive] { ++runs; }, to));
  CHECK(alive.use_count() == 102);
  pool.reset();
  CHECK(alive.use_count() == 1);
  CHECK(runs == 0);
}

TEST_CASE("scheduler: a coroutine goes on on a worker") {
  auto pool = make_pool(1);
  CHECK(frys::sync_wait(there(*pool)) == 1);
}

TEST_CASE("scheduler: a trace tells what ran, as JSON") {
  using traced = frys::scheduler<frys::policy::trace<frys::trace::ring<16>>>;
  auto pool = make_pool<traced>(1);
  for (int i = 0; i < 40; ++i) REQUIRE(pool->submit([] {}));
  CHECK(pool->drain());
  int runs = 0;
  pool->spans([&](unsigned worker, frys::trace::span kind, frys::nanoseconds from, frys::nanoseconds to, unsigned) {
    CHECK(worker == 0);
    CHECK(to >= from);
    runs += kind == frys::trace::span::run;
  });
  CHECK(runs >= 10);
  CHECK(runs <= 16);
  std::string json;
  frys::write_trace(*pool, json);
  CHECK(json.rfind("[\n{\"name\":\"", 0) == 0);
  CHECK(json.find("\"ph\":\"X\",\"pid\":1,\"tid\":0,\"ts\":") != json.npos);
  CHECK(json.substr(json.size() - 4) == "}\n]\n");
}

TEST_CASE("scheduler: too many workers are refused with their number") {
  frys::scheduler_options o;
  o.workers = 1000;
  const auto made = frys::scheduler<>::create(o);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == frys::errc::limit_exceeded);
  CHECK(made.error().number == 1004);
}

TEST_CASE("scheduler: oversubscribed, all work is done") {
  auto pool = make_pool(16);
  std::atomic<int> runs{0};
  for (int i = 0; i < 2000; ++i) REQUIRE(pool->submit([&] { ++runs; }));
  CHECK(pool->drain());
  CHECK(runs == 2000);
}

TEST_CASE("scheduler: idle workers sleep") {
  auto pool = make_pool(2);
  REQUIRE(pool->submit([] {}));
  CHECK(pool->drain());
  while (pool->stats().parks < 2) std::this_thread::yield();
  const auto before = pool->stats();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  const auto after = pool->stats();
  CHECK(after.parks == before.parks);
  CHECK(after.searches == before.searches);
}
