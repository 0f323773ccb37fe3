// A pool's timers, whole pools under many schedules (sim/run.hpp): each fires in time, whoever sleeps or works.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <utility>

#include <frys/sched/scheduler.hpp>
#include <frys/sched/timeout.hpp>
#include <frys/sim/run.hpp>

#include "waits.hpp"

namespace {

namespace sim = frys::sim;
namespace pt_policy = frys::policy;
using frys::nanoseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using pt_world = pt_policy::world<sim::run_world>;
template <class... More>
using pt_pool = frys::scheduler<pt_world, More...>;
template <class T>
using pt_atomic = sim::atomics::atomic<T>;

// A tick, and what looking at the clock costs in a run.
constexpr nanoseconds pt_late = milliseconds(1);

template <class Body>
void pt_holds(Body&& body, std::uint64_t seeds = 300) {
  sim::run_options o;
  o.most_steps = 2'000'000;
  const auto r = sim::explore_seeds(0, seeds, body, o);
  CHECK_MESSAGE(r.ok(), r.text());
}
template <class Pool = pt_pool<>>
std::unique_ptr<Pool> pt_make(unsigned workers) {
  frys::scheduler_options o;
  o.workers = workers, o.guests = 1, o.stack_bytes = 0;
  return *Pool::create(o);
}
void pt_wait_for(const pt_atomic<int>& count, int n) {
  const auto until = frys::deadline::after<sim::clock>(seconds(20));
  while (count.load() < n && !until.has_passed<sim::clock>()) sim::sleep_for(milliseconds(1));
  sim::require(count.load() == n, "all have come");
}
void pt_in_time(frys::deadline until, nanoseconds late = pt_late) {
  sim::require(sim::clock::now() >= until.at, "not early");
  sim::require(sim::clock::now() <= until.at + late, "and in time");
}

template <class Pool>
waits::detached pt_sleeper(Pool& pool, nanoseconds delay, pt_atomic<int>& over) {
  const auto until = frys::deadline::after<sim::clock>(delay);
  const auto slept = co_await pool.sleep_until(until);
  sim::require(slept.has_value(), "nobody has stopped it");
  pt_in_time(until);
  sim::require(pool.is_here(), "it goes on on a worker");
  over.fetch_add(1);
}
// From outside and from workers, some at the same time, some far away.
template <class Pool>
void pt_sleeps() {
  auto pool = pt_make<Pool>(2);
  pt_atomic<int> over{0};
  {
    pt_sleeper(*pool, milliseconds(30), over);
    pt_sleeper(*pool, milliseconds(sim::choose(2) == 0 ? 3 : 30), over);
    sim::thread other("other", [&] {
      pt_sleeper(*pool, milliseconds(7), over);
      pt_sleeper(*pool, seconds(5), over);
      pt_wait_for(over, 5);
    });
    pt_sleeper(*pool, milliseconds(1 + sim::choose(5)), over);
    pt_wait_for(over, 5);
    other.join();
  }
  sim::require(pool->stats().timers >= 4, "and they are counted");
}

// All sleep, the keeper for long; a shorter sleep comes from outside.
void pt_shorter() {
  auto pool = pt_make(2);
  pt_atomic<int> over{0};
  pt_sleeper(*pool, seconds(10), over);
  sim::sleep_for(milliseconds(sim::choose(3)));
  pt_sleeper(*pool, seconds(1), over);
  pt_wait_for(over, 2);
}

// Whoever keeps the time gets work that lasts, in all ways that work comes; who sleeps keeps it then.
template <class Pool>
void pt_hand_over() {
  auto pool = pt_make<Pool>(3);
  pt_atomic<int> over{0}, worked{0};
  pt_sleeper(*pool, milliseconds(50), over);
  pt_sleeper(*pool, milliseconds(80), over);
  if (sim::choose(2) == 0) sim::sleep_for(milliseconds(1));
  for (unsigned i = 0; i < 2; ++i) {
    frys::submit_options o;
    if (sim::choose(2) == 0) o.worker = static_cast<unsigned>(sim::choose(3));
    (void)pool->submit([&] { sim::sleep_for(milliseconds(200)), worked.fetch_add(1); }, o);
    if (sim::choose(2) == 0) sim::sleep_for(milliseconds(sim::choose(3)));
  }
  pt_wait_for(over, 2);
  pt_wait_for(worked, 2);
}

// A task that never yields has timers on its worker: others fire them.
void pt_busy_home() {
  auto pool = pt_make(2);
  pt_atomic<int> over{0}, ended{0};
  sim::sleep_for(milliseconds(sim::choose(3)));
  frys::submit_options o;
  o.worker = static_cast<unsigned>(sim::choose(2));
  (void)pool->submit(
      [&] {
        pt_sleeper(*pool, milliseconds(20), over);
        sim::sleep_for(milliseconds(100));
        sim::require(over.load() == 1, "the other worker has done it");
        ended.fetch_add(1);
      },
      o);
  pt_wait_for(ended, 1);
}

template <class Pool>
waits::detached pt_stopped(frys::basic_stop_source<pt_world>&, Pool& pool, pt_atomic<int>& over, bool& stopped) {
  const auto until = frys::deadline::after<sim::clock>(milliseconds(10));
  const auto slept = co_await pool.sleep_until(until);
  stopped = !slept;
  if (slept) pt_in_time(until);
  if (!slept) sim::require(slept.error() == frys::errc::cancelled, "says so");
  over.fetch_add(1);
}
// A stop before, while it sleeps, when it is due.
template <class Pool>
void pt_stops() {
  auto pool = pt_make<Pool>(2);
  pt_atomic<int> over{0};
  bool stopped = false;
  frys::basic_stop_source<pt_world> source;
  const auto when = sim::choose(4);
  if (when == 0) source.request_stop();
  sim::thread other("stopper", [&] {
    if (when == 1 || when == 2) sim::sleep_for(milliseconds(when == 1 ? 1 : 10));
    source.request_stop();
  });
  pt_stopped(source, *pool, over, stopped);
  pt_wait_for(over, 1);
  other.join();
  if (when != 2) sim::require(stopped, "in time");
}
// A wait that is stopped on a worker goes on at once; with_timeout by a pool.
waits::detached pt_timeout(pt_pool<>& pool, pt_atomic<int>& over, nanoseconds thing, nanoseconds limit) {
  const auto r =
      co_await frys::with_timeout<pt_world>(pool, pool.sleep_for(thing), frys::deadline::after<sim::clock>(limit));
  if (thing < limit)
    sim::require(r.has_value(), "done in time");
  else
    sim::require(!r && r.error() == frys::errc::timed_out, "late");
  over.fetch_add(1);
}
void pt_timeouts() {
  auto pool = pt_make(2);
  pt_atomic<int> over{0};
  pt_timeout(*pool, over, seconds(2), milliseconds(5));
  pt_timeout(*pool, over, milliseconds(5), seconds(2));
  pt_wait_for(over, 2);
}

struct pt_life {
  pt_atomic<int>* alive;
  explicit pt_life(pt_atomic<int>& a) noexcept : alive(&a) { alive->fetch_add(1); }
  pt_life(const pt_life& o) noexcept : alive(o.alive) { alive->fetch_add(1); }
  pt_life& operator=(const pt_life&) = delete;
  ~pt_life() { alive->fetch_sub(1); }
};
// Callables for later: at their time, on their worker, not when stopped; what is left dies with the pool.
template <class Pool>
void pt_submits() {
  pt_atomic<int> over{0}, alive{0};
  {
    auto pool = pt_make<Pool>(2);
    frys::basic_stop_source<pt_world> source;
    for (unsigned i = 0; i < 4; ++i) {
      const auto at = frys::deadline::after<sim::clock>(milliseconds(i * 7));
      frys::submit_options o;
      if (i == 3) o.worker = 1;
      const bool taken = bool(pool->submit_at(
          at, [&over, at, life = pt_life(alive)] { pt_in_time(at), over.fetch_add(1); }, o));
      sim::require(taken, "an open pool takes it");
    }
    (void)pool->submit_at(frys::deadline::after<sim::clock>(milliseconds(9)), source.token(),
                          [&over, life = pt_life(alive)] { over.fetch_add(100); });
    source.request_stop();
    sim::require(pool->drain(), "it does not wait for them");
    pt_wait_for(over, 4);
    (void)pool->submit_at(frys::deadline::after<sim::clock>(seconds(9)),
                          [&over, life = pt_life(alive)] { over.fetch_add(100); });
    pool->close();
    sim::require(pool->submit_at(frys::deadline::now(), [] {}) == frys::push_result::closed, "not any more");
  }
  sim::require(over.load() == 4, "those that were due");
  sim::require(alive.load() == 0, "and all are destroyed");
}

// Timers in objects: set again as they fire, cancelled by anybody.
template <class Pool>
struct pt_beat : Pool::timer_type {
  using base = typename Pool::timer_type;
  Pool* pool;
  pt_atomic<int> beats{0};
  int left;
  pt_beat(Pool& p, int n) : base(&rings), pool(&p), left(n) {}
  static void rings(base& t) noexcept {
    auto& self = static_cast<pt_beat&>(t);
    const bool more = --self.left > 0;
    Pool& pool = *self.pool;
    if (more) pool.add(self, frys::deadline::after<sim::clock>(milliseconds(2)));
    self.beats.fetch_add(1);
  }
};
template <class Pool>
void pt_beats() {
  auto pool = pt_make<Pool>(2);
  pt_beat<Pool> three(*pool, 3), never(*pool, 1);
  pool->add(three, frys::deadline::after<sim::clock>(milliseconds(1)));
  pool->add(never, frys::deadline::after<sim::clock>(milliseconds(sim::choose(2) == 0 ? 5 : 3000)));
  sim::sleep_for(milliseconds(sim::choose(7)));
  const bool was_set = Pool::cancel(never);
  pt_wait_for(three.beats, 3);
  sim::require(!Pool::cancel(three), "it has fired");
  sim::sleep_for(seconds(4));
  sim::require(never.beats.load() == (was_set ? 0 : 1), "either, not both");
  pt_beat<Pool> left(*pool, 1);
  pool->add(left, frys::deadline::after<sim::clock>(seconds(1)));
  pool.reset();
  sim::require(left.beats.load() == 0, "let go");
}

// A timer that is set to another time, earlier or later, fires then.
template <class Pool>
void pt_moves() {
  auto pool = pt_make<Pool>(2);
  pt_beat<Pool> one(*pool, 1);
  sim::require(!pool->move(one, frys::deadline::after<sim::clock>(milliseconds(1))), "it was never set");
  const bool later = sim::choose(2) == 0;
  pool->add(one, frys::deadline::after<sim::clock>(milliseconds(later ? 10 : 1000)));
  sim::sleep_for(milliseconds(sim::choose(4)));
  const auto until = frys::deadline::after<sim::clock>(milliseconds(later ? 500 : 20));
  sim::require(pool->move(one, until), "it was set");
  while (one.beats.load() == 0) sim::sleep_for(nanoseconds{100'000});
  pt_in_time(until);
  sim::require(!pool->move(one, until), "it has fired");
}

// Who waits in a join keeps the time, too, when nobody else can.
void pt_in_join() {
  auto pool = pt_make(1);
  pt_beat<pt_pool<>> beat(*pool, 2);
  pool->run([&] {
    pool->add(beat, frys::deadline::after<sim::clock>(milliseconds(1 + sim::choose(3))));
    const auto waits = [&] {
      pt_wait_for(beat.beats, 2);
      return 1;
    };
    const auto [a, b] = pt_pool<>::join([] { return 1; }, waits);
    sim::require(a + b == 2, "both");
  });
}

// Nothing wakes up while nothing is due.
void pt_idle() {
  auto pool = pt_make(3);
  pt_atomic<int> over{0};
  pt_sleeper(*pool, seconds(60), over);
  sim::sleep_for(seconds(1));
  const auto before = pool->stats();
  sim::sleep_for(seconds(50));
  sim::require(pool->stats().searches == before.searches, "all sleep");
  pt_wait_for(over, 1);
}

// Who has been asked to stay awake does, until the time is over.
void pt_stays_awake() {
  auto pool = pt_make(1);
  pt_atomic<int> ran{0};
  const auto one = [&] {
    frys::submit_options o;
    o.stay_awake = milliseconds(50);
    (void)pool->submit([&] { ran.fetch_add(1); }, o);
  };
  one();
  pt_wait_for(ran, 1);
  const auto parks = pool->stats().parks;
  sim::sleep_for(milliseconds(3));
  one();
  pt_wait_for(ran, 2);
  sim::require(pool->stats().parks == parks, "it has not slept");
  sim::sleep_for(seconds(1));
  sim::require(pool->drain(), "and sleeps at last");
  sim::require(pool->stats().parks > parks, "it has");
}

using pt_sharded = pt_pool<pt_policy::discipline<frys::discipline::shard_per_core>>;
using pt_sharing = pt_pool<pt_policy::discipline<frys::discipline::work_sharing>>;
using pt_spinning = pt_pool<pt_policy::wait<frys::wait::spin>>;

}  // namespace

TEST_CASE("pool timers: sleeps end in time, on a worker") {
  pt_holds([] { pt_sleeps<pt_pool<>>(); });
  pt_holds([] { pt_sleeps<pt_sharded>(); });
  pt_holds([] { pt_sleeps<pt_sharing>(); });
}
TEST_CASE("pool timers: an earlier one is told to who keeps the time") { pt_holds(&pt_shorter); }
TEST_CASE("pool timers: who sleeps keeps the time when its keeper gets work") {
  pt_holds([] { pt_hand_over<pt_pool<>>(); });
  pt_holds([] { pt_hand_over<pt_sharing>(); });
}
TEST_CASE("pool timers: those of a worker whose task does not end are fired by others") { pt_holds(&pt_busy_home); }
TEST_CASE("pool timers: who waits in a join keeps the time") { pt_holds(&pt_in_join); }
TEST_CASE("pool timers: a stop ends a sleep, once") {
  pt_holds([] { pt_stops<pt_pool<>>(); }, 3'000);
  pt_holds([] { pt_stops<pt_sharded>(); });
}
TEST_CASE("pool timers: a pool is a source for with_timeout") { pt_holds(&pt_timeouts); }
TEST_CASE("pool timers: callables for later run at their time, and die with the pool") {
  pt_holds([] { pt_submits<pt_pool<>>(); });
  pt_holds([] { pt_submits<pt_sharded>(); });
  pt_holds([] { pt_submits<pt_pool<pt_policy::levels<3>>>(); });
}
TEST_CASE("pool timers: timers in objects are set again as they fire, and cancelled by anybody") {
  pt_holds([] { pt_beats<pt_pool<>>(); });
  pt_holds([] { pt_beats<pt_sharded>(); });
}
TEST_CASE("pool timers: one that is set is moved to another time") {
  pt_holds([] { pt_moves<pt_pool<>>(); });
  pt_holds([] { pt_moves<pt_sharded>(); });
}
TEST_CASE("pool timers: nobody wakes up while nothing is due") { pt_holds(&pt_idle); }
TEST_CASE("scheduler: who shall stay awake does not sleep until the time is over") { pt_holds(&pt_stays_awake); }
