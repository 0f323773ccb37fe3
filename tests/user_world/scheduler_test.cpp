// A scheduler all of whose slots are a user's own: threads, discipline, promotion, trace, allocator, wait, clock,
// atomics. Nothing that is private to frys is named.
#include <frys/sched/scheduler.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "models.hpp"

namespace {

std::atomic<long> own_spans{0};

struct own_discipline {
  static constexpr bool steals = true, shares = false;
};
struct own_promotion {
  static constexpr bool each_fork = true;
};
struct own_trace {
  template <class Atomics, class Clock>
  struct recorder {
    void begins() noexcept { ++own_spans; }
    void ends() noexcept { static_cast<void>(Clock::now()); }
    void stole(unsigned) noexcept {}
    void parks() noexcept {}
    void wakes() noexcept {}
  };
};

namespace own_policy = frys::policy;
using own_pool = frys::scheduler<own_policy::world<user::world>, own_policy::allocator<user::blocks>,
                                 own_policy::discipline<own_discipline>, own_policy::promotion<own_promotion>,
                                 own_policy::trace<own_trace>>;
// One whose workers sleep, by the user's own atomics.
struct own_sleep {
  static constexpr bool sleeps = true;
  template <class A, class C = user::clock, class Word>
  static bool wait(const Word& word, std::uint32_t old, frys::deadline until) noexcept {
    ++user::uses::wait;
    return A::wait(word, old, until);
  }
};
using own_sleeping_pool =
    frys::scheduler<own_policy::world<user::world>, own_policy::wait<own_sleep>, own_policy::levels<2>>;

template <class Pool>
int own_fib(int n) {
  if (n < 2) return n;
  const auto both = Pool::join([&] { return own_fib<Pool>(n - 1); }, [&] { return own_fib<Pool>(n - 2); });
  return both.first + both.second;
}

template <class Pool>
void use_scheduler() {
  frys::scheduler_options o;
  o.workers = 2;
  auto made = Pool::create(o);
  REQUIRE(made);
  Pool& pool = **made;
  std::atomic<int> runs{0};
  for (int i = 0; i < 50; ++i)
    REQUIRE(pool.submit([&] {
      ++runs;
      REQUIRE(pool.submit([&] { ++runs; }));
    }));
  CHECK(pool.run([] { return own_fib<Pool>(10); }) == 55);
  CHECK(pool.drain());
  CHECK(runs == 100);
  const auto in_a_while = frys::deadline::after<typename Pool::clock_type>(std::chrono::microseconds(100));
  REQUIRE(pool.submit_at(in_a_while, [&] { ++runs; }));
  while (runs == 100) std::this_thread::yield();
  CHECK(pool.stats().timers == 1);
}

}  // namespace

TEST_CASE("user_world: a scheduler takes a user's models in every slot") {
  use_scheduler<frys::scheduler<>>();
  const long atomics = user::uses::atomics, clock = user::uses::clock, threads = user::uses::threads,
             taken = user::blocks::taken, held = user::blocks::held;
  use_scheduler<own_pool>();
  CHECK(user::uses::atomics > atomics);
  CHECK(user::uses::clock > clock);
  CHECK(user::uses::threads == threads + 2);
  CHECK(user::blocks::taken >= taken + 100);
  CHECK(user::blocks::held == held);
  CHECK(own_spans >= 100);
  const long wait = user::uses::wait;
  use_scheduler<own_sleeping_pool>();
  CHECK(user::uses::threads == threads + 4);
  CHECK(user::uses::wait >= wait);
}
