#include <frys/sched/async_mutex.hpp>

#include "waits.hpp"

#include <doctest/doctest.h>
#include <frys/core/deadline.hpp>
#include <frys/core/local_atomics.hpp>
#include <frys/sched/async_event.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>

#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace policy = frys::policy;
using local_mutex = frys::async_mutex<policy::atomics<frys::atomics::local>>;

// Holds the lock from `into` until `go` is set, and says when it has it.
template <class M>
waits::stoppable hold_until(M& mutex, std::vector<int>& into, int name, typename M::guard& until) {
  auto held = co_await mutex.lock();
  into.push_back(name);
  until = std::move(*held);
}
template <class M>
waits::stoppable hold_once(M& mutex, std::vector<int>& into, int name) {
  auto held = co_await mutex.lock();
  into.push_back(held ? name : -name);
}
template <class M>
waits::stoppable hold_once_on(M& mutex, waits::loop& on, std::vector<int>& into, int name) {
  auto held = co_await mutex.lock(on);
  into.push_back(held ? name : -name);
}
template <class M>
waits::stoppable hold_unless(frys::stop_source&, M& mutex, std::vector<int>& into, int name) {
  auto held = co_await mutex.lock();
  into.push_back(held ? name : -name);
  if (!held) CHECK(held.error().code == frys::errc::cancelled);
}
template <class M>
waits::stoppable hold_unless_on(frys::stop_source&, M& mutex, waits::loop& on, std::vector<int>& into, int name) {
  auto held = co_await mutex.lock(on);
  into.push_back(held ? name : -name);
}

}  // namespace

TEST_CASE_TEMPLATE("async_mutex: a free lock is had at once, a held one by try_lock never", M, frys::async_mutex<>,
                   local_mutex) {
  M mutex;
  std::vector<int> got;
  {
    auto held = mutex.try_lock();
    CHECK(held);
    CHECK_FALSE(mutex.try_lock());
    held.unlock();
    CHECK_FALSE(held);
    CHECK(mutex.try_lock());
  }
  const auto one = hold_once(mutex, got, 1);
  CHECK(one.done());
  CHECK(got == std::vector<int>{1});
  CHECK(mutex.try_lock());  // its end has unlocked
}

TEST_CASE("async_mutex: a guard moves, and unlocks once") {
  frys::async_mutex<> mutex, other;
  auto a = mutex.try_lock();
  auto b = std::move(a);
  CHECK_FALSE(a);
  CHECK(b);
  b = other.try_lock();  // lets go of the first
  CHECK(mutex.try_lock());
  CHECK_FALSE(other.try_lock());
  static_assert(!std::is_copy_constructible_v<frys::async_mutex<>::guard>);
}

TEST_CASE_TEMPLATE("async_mutex: those who wait get it in the order in which they came, within unlock", M,
                   frys::async_mutex<>, local_mutex) {
  M mutex;
  std::vector<int> got;
  auto held = mutex.try_lock();
  typename M::guard second;
  const auto a = hold_until(mutex, got, 1, second), b = hold_once(mutex, got, 2), c = hold_once(mutex, got, 3);
  CHECK(got.empty());
  held.unlock();
  CHECK(got == std::vector<int>{1});
  CHECK_FALSE(mutex.try_lock());  // nobody comes in between
  second.unlock();
  CHECK(got == std::vector<int>{1, 2, 3});
  CHECK(mutex.try_lock());
}

TEST_CASE("async_mutex: with an executor the next one goes on in posted work, and has the lock from the unlock on") {
  frys::async_mutex<> mutex;
  waits::loop here;
  std::vector<int> got;
  auto held = mutex.try_lock();
  const auto a = hold_once_on(mutex, here, got, 1), b = hold_once_on(mutex, here, got, 2);
  held.unlock();
  CHECK(got.empty());
  CHECK_FALSE(mutex.try_lock());
  CHECK(here.run_one());
  CHECK(got == std::vector<int>{1});
  CHECK(here.run_one());
  CHECK(got == std::vector<int>{1, 2});
  CHECK_FALSE(here.run_one());
}

TEST_CASE("async_mutex: a crowd that goes on within unlock does not need a stack as deep as it is long") {
  frys::async_mutex<> mutex;
  std::vector<int> got, wanted;
  auto held = mutex.try_lock();
  std::vector<waits::stoppable> crowd;
  for (int i = 0; i < 100'000; ++i) {
    crowd.push_back(hold_once(mutex, got, i));
    wanted.push_back(i);
  }
  held.unlock();
  CHECK(got == wanted);
}

TEST_CASE_TEMPLATE("async_mutex: a coroutine may be destroyed while it waits; the others keep their turns", M,
                   frys::async_mutex<>, local_mutex) {
  M mutex;
  std::vector<int> got;
  auto held = mutex.try_lock();
  auto a = hold_once(mutex, got, 1);
  auto b = std::make_optional(hold_once(mutex, got, 2));
  auto c = hold_once(mutex, got, 3);
  b.reset();
  a.reset();
  held.unlock();
  CHECK(got == std::vector<int>{3});
  held = mutex.try_lock();
  REQUIRE(held);
  auto d = hold_once(mutex, got, 4);
  d.reset();  // the last one
  held.unlock();
  CHECK(mutex.try_lock());
}

namespace {
struct crowd_of_lockers {
  frys::async_mutex<> mutex;
  std::vector<std::optional<waits::stoppable>> all{40};
  std::vector<int> got;
};
// The last one that is resumed from within destroys the one that has been given the lock and stands back.
waits::stoppable hold_and_destroy(crowd_of_lockers& c, int name, int victim) {
  {
    auto held = co_await c.mutex.lock();
    c.got.push_back(name);
  }
  if (victim != 0) c.all[static_cast<std::size_t>(victim)].reset();
}
}  // namespace

TEST_CASE("async_mutex: a lock that was handed to a coroutine that is destroyed before it goes on goes to the next") {
  crowd_of_lockers c;
  auto held = c.mutex.try_lock();
  for (int i = 0; i < 40; ++i) c.all[static_cast<std::size_t>(i)] = hold_and_destroy(c, i, i < 12 ? i + 1 : 0);
  held.unlock();
  // Whoever has gone on before it was its turn to die has gone on; everybody else went on once.
  CHECK(c.mutex.try_lock());
  for (std::size_t i = 1; i < c.got.size(); ++i) CHECK(c.got[i - 1] < c.got[i]);
  CHECK(c.got.size() < 40);
  CHECK(c.got.back() == 39);
}

TEST_CASE("async_mutex: a stop ends the wait with cancelled; the lock goes by the one who was stopped") {
  frys::async_mutex<> mutex;
  frys::stop_source stop;
  std::vector<int> got;
  auto held = mutex.try_lock();
  auto a = hold_unless(stop, mutex, got, 1);
  auto b = hold_once(mutex, got, 2);
  CHECK(got.empty());
  CHECK(stop.request_stop());
  CHECK(got == std::vector<int>{-1});
  CHECK(a.done());
  auto late = hold_unless(stop, mutex, got, 3);  // does not begin to wait
  CHECK(got == std::vector<int>{-1, -3});
  held.unlock();
  CHECK(got == std::vector<int>{-1, -3, 2});
  auto free = hold_unless(stop, mutex, got, 4);  // what is free needs no wait
  CHECK(got.back() == 4);
}

TEST_CASE(
    "async_mutex: with an executor who was stopped is told in posted work, and a stop behind a call is too late") {
  frys::async_mutex<> mutex;
  waits::loop here;
  frys::stop_source stop, late;
  std::vector<int> got;
  auto held = mutex.try_lock();
  auto a = hold_unless_on(stop, mutex, here, got, 1);
  auto b = hold_unless_on(late, mutex, here, got, 2);
  stop.request_stop();
  CHECK(got.empty());
  CHECK(here.run_all() == 1);
  CHECK(got == std::vector<int>{-1});
  held.unlock();
  late.request_stop();
  CHECK(here.run_all() == 1);
  CHECK(got == std::vector<int>{-1, 2});
  CHECK(mutex.try_lock());
}

TEST_CASE("async_mutex: who got it from the last holder may destroy it") {
  auto mutex = std::make_unique<frys::async_mutex<>>();
  auto held = mutex->try_lock();
  const auto last = [](std::unique_ptr<frys::async_mutex<>>& m) -> waits::stoppable {
    { auto mine = co_await m->lock(); }
    m.reset();
  }(mutex);
  held.unlock();
  CHECK(mutex == nullptr);
}

namespace {
// A clock that rings by hand.
struct hand_clock {
  frys::async_event<> rung;
  auto sleep_until(frys::deadline) noexcept { return rung.wait(); }
};
frys::task<> lock_in_time(hand_clock& clock, frys::async_mutex<>& mutex, std::vector<int>& into) {
  auto held = co_await frys::with_timeout(clock, mutex.lock(), frys::deadline::never());
  into.push_back(held ? 1 : -static_cast<int>(held.error().code));
}
}  // namespace

TEST_CASE("async_mutex: with a deadline it is had in time or not at all") {
  frys::async_mutex<> mutex;
  hand_clock first, second;
  std::vector<int> got;
  frys::task_scope scope;
  auto held = mutex.try_lock();
  scope.spawn(lock_in_time(first, mutex, got));
  scope.spawn(lock_in_time(second, mutex, got));
  first.rung.set();
  CHECK(got == std::vector<int>{-static_cast<int>(frys::errc::timed_out)});
  held.unlock();
  CHECK(got.back() == 1);
  CHECK(mutex.try_lock());
  CHECK(scope.empty());
}

TEST_CASE("async_mutex: exclusion between threads, inline, posted, tried and stopped") {
  constexpr int each = 3'000;
  frys::async_mutex<> mutex;
  long shared = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      waits::loop here;
      bool done = false;
      frys::spawn([](auto& m, waits::loop& on, long& sum, bool& end) -> frys::task<> {
        for (int i = 0; i < each; ++i) {
          auto held = co_await m.lock(on);
          sum += held ? 1 : 0;
        }
        end = true;
      }(mutex, here, shared, done));
      here.run_until(done);
    });
  threads.emplace_back([&] {
    for (int i = 0; i < each;) {
      if (auto held = mutex.try_lock()) {
        ++shared;
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  long stopped = 0;
  threads.emplace_back([&] {
    for (int i = 0; i < each / 4; ++i) {
      frys::stop_source stop;
      waits::loop here;
      bool done = false;
      auto body = [](frys::stop_source&, auto& m, waits::loop& on, long& sum, long& not_had,
                     bool& end) -> waits::stoppable {
        auto held = co_await m.lock(on);
        ++(held ? sum : not_had);
        end = true;
      }(stop, mutex, here, shared, stopped, done);
      stop.request_stop();
      here.run_until(done);
    }
  });
  for (auto& t : threads) t.join();
  CHECK(shared + stopped == 4 * each + each / 4);
}
