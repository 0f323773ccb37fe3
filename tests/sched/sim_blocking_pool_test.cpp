// blocking_pool under many schedules (sim/run.hpp): threads come and go by the run's clock, and nothing is lost.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>

#include <frys/core/eventcount.hpp>
#include <frys/sched/blocking_pool.hpp>
#include <frys/sched/task.hpp>
#include <frys/sim/run.hpp>

namespace {

namespace sim = frys::sim;
using slow_world = frys::policy::world<sim::run_world>;
// Refuses two starts in three, where it shall.
struct refusing_threads {
  using thread = sim::thread;
  static inline bool refuses = false;
  static frys::result<thread> start(const frys::thread_options& options, void (*run)(void*) noexcept,
                                    void* argument) noexcept {
    if (refuses && sim::choose(3) != 0)
      return frys::error{frys::errc::limit_exceeded, frys::domain::user, "no more threads", 0};
    return sim::threads::start(options, run, argument);
  }
  template <class Tag>
  static void*& local() {
    return sim::threads::local<Tag>();
  }
};
using slow_pool = frys::blocking_pool<slow_world, frys::policy::threads<refusing_threads>>;
template <class T>
using slow_atomic = sim::atomics::atomic<T>;

template <class Body>
void slow_holds(Body&& body, std::uint64_t seeds = 500) {
  sim::run_options o;
  o.most_steps = 1'000'000;
  const auto r = sim::explore_seeds(0, seeds, body, o);
  CHECK_MESSAGE(r.ok(), r.text());
}

frys::blocking_pool_options slow_options(unsigned most, unsigned resident = 0) {
  frys::blocking_pool_options o;
  o.most_threads = most;
  o.resident = resident;
  o.keep_alive = std::chrono::milliseconds(10);
  o.stack_bytes = 0;
  return o;
}

struct slow_node : frys::work {
  slow_atomic<int>* runs = nullptr;
  slow_node()
      : frys::work([](frys::work& w) noexcept {
          sim::sleep_for(std::chrono::milliseconds(sim::choose(20)));
          static_cast<slow_node&>(w).runs->fetch_add(1);
        }) {}
};

// Posted and submitted from three threads, with pauses in which threads go.
template <unsigned Most, unsigned Resident, bool Refuses = false>
void all_runs() {
  refusing_threads::refuses = false;
  slow_atomic<int> runs{0}, inside{0};
  slow_node nodes[3];
  for (auto& n : nodes) n.runs = &runs;
  auto pool = *slow_pool::create(slow_options(Most, Resident));
  refusing_threads::refuses = Refuses;
  int accepted = 0;
  const auto client = [&](slow_node& mine) {
    if (Resident != 0) pool->post(mine);
    for (int i = 0; i < 4; ++i) {
      if (sim::choose(3) == 0) sim::sleep_for(std::chrono::milliseconds(sim::choose(15)));
      if (pool->submit([&] {
            sim::require(inside.fetch_add(1) < static_cast<int>(Most), "no more at a time than there may be threads");
            sim::sleep_for(std::chrono::milliseconds(sim::choose(12)));
            inside.fetch_sub(1);
            runs.fetch_add(1);
          }))
        ++accepted;
    }
  };
  sim::thread a("a", [&] { client(nodes[0]); }), b("b", [&] { client(nodes[1]); });
  client(nodes[2]);
  a.join(), b.join();
  sim::require(pool->drain().has_value(), "it becomes quiet");
  sim::require(runs.load() == accepted + (Resident != 0 ? 3 : 0), "what was taken has run, once");
  sim::require(pool->stats().unfinished == 0, "nothing is left");
  sim::sleep_for(std::chrono::seconds(1));
  sim::require(pool->stats().threads == Resident, "who has nothing to do is gone");
  // And comes back.
  if (pool->submit([&] { runs.fetch_add(1); })) ++accepted;
  sim::require(pool->drain().has_value() && runs.load() == accepted + (Resident != 0 ? 3 : 0), "once more");
}

// It ends with work queued, at once or by a deadline: what has not begun is destroyed.
template <bool ByDeadline>
void ends_full() {
  refusing_threads::refuses = false;
  slow_atomic<int> alive{0}, begun{0}, ended{0};
  struct life {
    slow_atomic<int>* alive;
    explicit life(slow_atomic<int>& a) noexcept : alive(&a) { alive->fetch_add(1); }
    life(const life& o) noexcept : life(*o.alive) {}
    life(life&& o) noexcept : life(*o.alive) {}
    life& operator=(const life&) = delete;
    ~life() { alive->fetch_sub(1); }
  };
  {
    auto pool = *slow_pool::create(slow_options(2));
    for (int i = 0; i < 6; ++i)
      (void)pool->submit([&, l = life(alive)] {
        begun.fetch_add(1);
        sim::sleep_for(std::chrono::milliseconds(10));
        ended.fetch_add(1);
      });
    if (sim::choose(2) == 0) sim::sleep_for(std::chrono::milliseconds(sim::choose(25)));
    if (ByDeadline) {
      (void)pool->shutdown(frys::deadline::after<sim::clock>(std::chrono::milliseconds(sim::choose(25))));
      sim::require(!pool->submit([] {}), "it takes nothing any more");
    }
  }
  sim::require(begun.load() == ended.load() && alive.load() == 0, "what has begun has ended, and all is destroyed");
}

#if FRYS_EXCEPTIONS
frys::task<> asks(slow_pool& pool, int i, slow_atomic<int>& sum, slow_atomic<int>& over) {
  try {
    const auto answer = co_await pool.run([i] {
      sim::sleep_for(std::chrono::milliseconds(i));
      if (i % 3 == 0) throw std::runtime_error("three");
      return i;
    });
    if (answer)
      sum.fetch_add(*answer);
    else
      sum.fetch_add(1000);  // cancelled, or no thread
  } catch (const std::runtime_error&) {
    sum.fetch_add(100);
  }
  over.fetch_add(1);
}
void awaited() {
  refusing_threads::refuses = false;
  slow_atomic<int> sum{0}, over{0};
  auto pool = *slow_pool::create(slow_options(2));
  for (int i = 0; i < 5; ++i) frys::spawn(asks(*pool, i, sum, over));
  sim::require(pool->drain().has_value(), "it becomes quiet");
  sim::require(over.load() == 5 && sum.load() == 200 + 1 + 2 + 4, "each await has its answer");
}
#endif

}  // namespace

TEST_CASE("blocking_pool in runs: what was taken runs once, threads go and come back") {
  slow_holds(&all_runs<3, 0>);
  slow_holds(&all_runs<1, 0>);
  slow_holds(&all_runs<4, 1>);
}
TEST_CASE("blocking_pool in runs: where no more threads can be made, work waits or is refused, and none is lost") {
  slow_holds(&all_runs<4, 1, true>);
  slow_holds(&all_runs<4, 0, true>);
}
TEST_CASE("blocking_pool in runs: it ends with work queued") {
  slow_holds(&ends_full<false>);
  slow_holds(&ends_full<true>);
}
#if FRYS_EXCEPTIONS
TEST_CASE("blocking_pool in runs: awaits get what is answered or thrown") { slow_holds(&awaited); }
#endif
