// A pool's timers with threads of the system; what must hold under every schedule stands in sim_pool_timers_test.cpp.
#include <frys/sched/scheduler.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>
#include <frys/sched/when_all.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "waits.hpp"

namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using timed_pool = frys::scheduler<>;
using timed_clock = frys::clocks::steady;

std::unique_ptr<timed_pool> make_timed_pool(unsigned workers) {
  frys::scheduler_options o;
  o.workers = workers;
  return *timed_pool::create(o);
}

frys::task<bool> sleeps_and_looks(timed_pool& pool, frys::nanoseconds delay) {
  const auto until = frys::deadline::after<timed_clock>(delay);
  const auto slept = co_await pool.sleep_until(until);
  co_return slept.has_value() && timed_clock::now() >= until.at&& pool.is_here();
}
frys::task<int> ten_at_once(timed_pool& pool, int first) {
  int good = 0;
  for (int i = 0; i < 10; ++i) {
    auto [a, b] = co_await frys::when_all(sleeps_and_looks(pool, microseconds(300 + 100 * (first + i) % 700)),
                                          sleeps_and_looks(pool, microseconds(500)));
    good += a + b;
  }
  co_return good;
}

waits::detached sleeps_for_ever(frys::stop_source&, timed_pool& p, std::atomic<int>& out) {
  const auto slept = co_await p.sleep_until(frys::deadline::never());
  out = slept ? 1 : 2;
}

struct counted_timer : timed_pool::timer_type {
  using base = timed_pool::timer_type;
  std::atomic<int> fired{0};
  counted_timer() : base([](base& t) noexcept { ++static_cast<counted_timer&>(t).fired; }) {}
};

// Holds up who fires it until the pool ends.
struct waits_for_the_end : timed_pool::timer_type {
  using base = timed_pool::timer_type;
  timed_pool& pool;
  std::atomic<bool> began{false};
  explicit waits_for_the_end(timed_pool& p) : base(&rings), pool(p) {}
  static void rings(base& t) noexcept {
    auto& self = static_cast<waits_for_the_end&>(t);
    self.began = true;
    while (!self.pool.is_stopping()) std::this_thread::yield();
  }
};

}  // namespace

TEST_CASE("scheduler: coroutines of several threads sleep in a pool, none too short") {
  auto pool = make_timed_pool(2);
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) threads.emplace_back([&, t] { good += frys::sync_wait(ten_at_once(*pool, t)); });
  for (std::thread& t : threads) t.join();
  CHECK(good == 60);
  CHECK(pool->stats().timers >= 50);  // all but those whose time had come before they lay down
}

TEST_CASE("scheduler: a timer is fired once or cancelled once, whoever cancels") {
  auto pool = make_timed_pool(2);
  constexpr int rounds = 300;
  int cancelled = 0, fired = 0;
  for (int i = 0; i < rounds; ++i) {
    counted_timer t;
    pool->add(t, frys::deadline::after<timed_clock>(microseconds(i % 3 == 0 ? 3'600'000'000 : i % 7 * 40)));
    if (i % 2 == 0) std::this_thread::yield();
    std::atomic<bool> was_set{false};
    std::thread other([&] { was_set = timed_pool::cancel(t); });
    const bool by_us = i % 5 == 0 && timed_pool::cancel(t);
    other.join();
    CHECK_FALSE((by_us && was_set));
    if (by_us || was_set) {
      ++cancelled;
      continue;
    }
    while (t.fired == 0) std::this_thread::yield();
    ++fired;
  }
  CHECK(cancelled >= rounds / 3);
  CHECK(cancelled + fired == rounds);
  CHECK(pool->stats().timers == static_cast<std::uint64_t>(fired));
}

TEST_CASE("scheduler: a sleep is destroyed where it waits, before the pool or behind it") {
  auto pool = make_timed_pool(1);
  const auto sleeper = [](timed_pool& p) -> waits::stoppable { (void)co_await p.sleep_for(hours(1)); };
  auto before = sleeper(*pool), behind = sleeper(*pool);
  before.reset();
  pool.reset();
  CHECK_FALSE(behind.done());
}

TEST_CASE(
    "scheduler: a sleep that has ended, whose coroutine the pool has not resumed any more, is destroyed behind it") {
  auto pool = make_timed_pool(1);
  waits_for_the_end last(*pool);
  const auto at = frys::deadline::after<timed_clock>(milliseconds(2));
  const auto sleeper = [](timed_pool& p, frys::deadline until) -> waits::stoppable {
    (void)co_await p.sleep_until(until);
  };
  waits::stoppable all[3] = {sleeper(*pool, at), sleeper(*pool, at), sleeper(*pool, at)};
  pool->add(last, at);
  while (!last.began) std::this_thread::yield();
  pool.reset();
  CHECK_FALSE((all[0].done() && all[1].done() && all[2].done()));
}

TEST_CASE("scheduler: a sleep whose time has come does not wait, one that never ends ends by a stop") {
  auto pool = make_timed_pool(1);
  bool went_on = false;
  const auto now = [&]() -> waits::stoppable {
    const auto slept = co_await pool->sleep_until(frys::deadline::now());
    went_on = slept.has_value();
  }();
  CHECK(went_on);
  frys::stop_source source;
  std::atomic<int> ended{0};
  sleeps_for_ever(source, *pool, ended);
  CHECK(ended == 0);
  source.request_stop();
  while (ended == 0) std::this_thread::yield();
  CHECK(ended == 2);
}

TEST_CASE("scheduler: with_timeout by a pool") {
  auto pool = make_timed_pool(2);
  const auto timed = [&](frys::nanoseconds thing, frys::nanoseconds limit) -> frys::task<frys::result<void>> {
    co_return co_await frys::with_timeout(*pool, pool->sleep_for(thing), frys::deadline::after<timed_clock>(limit));
  };
  const auto late = frys::sync_wait(timed(hours(1), milliseconds(1)));
  CHECK((!late && late.error() == frys::errc::timed_out));
  CHECK(frys::sync_wait(timed(milliseconds(1), hours(1))).has_value());
}
