#include <frys/sched/feedback.hpp>

#include <frys/sched/scheduler.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

// Time as the task says.
struct told_clock {
  static inline std::atomic<long> at{0};
  static frys::nanoseconds now() noexcept { return frys::nanoseconds{at.load()}; }
};

}  // namespace

TEST_CASE("feedback: long runs sink, short ones rise, each level allows twice as much") {
  using std::chrono::microseconds;
  frys::feedback f(3, microseconds(100));
  CHECK(f.level() == 0);
  f.ran(microseconds(100));
  CHECK(f.level() == 0);
  f.ran(microseconds(101));
  CHECK(f.level() == 1);
  f.ran(microseconds(200));
  CHECK(f.level() == 1);
  f.ran(microseconds(201));
  CHECK(f.level() == 2);
  f.ran(microseconds(5000));
  CHECK(f.level() == 2);  // there is none below
  for (unsigned i = 1; i < frys::feedback::calm; ++i) f.ran(microseconds(100));
  CHECK(f.level() == 2);
  f.ran(microseconds(300));  // not in a row
  for (unsigned i = 1; i < frys::feedback::calm; ++i) f.ran(microseconds(100));
  CHECK(f.level() == 2);
  f.ran(microseconds(100));
  CHECK(f.level() == 1);
  for (unsigned i = 0; i < frys::feedback::calm; ++i) f.ran(microseconds(50));
  CHECK(f.level() == 0);
}

TEST_CASE("feedback: a scheduler measures its runs by its clock") {
  using pool_type = frys::scheduler<frys::policy::levels<2>, frys::policy::clock<told_clock>>;
  frys::scheduler_options o;
  o.workers = 1;
  auto pool = *pool_type::create(o);
  frys::feedback f(2, std::chrono::microseconds(100));
  REQUIRE(pool->submit(f, [] { told_clock::at += 500'000; }));
  CHECK(pool->drain());
  CHECK(f.level() == 1);
  for (unsigned i = 0; i < frys::feedback::calm; ++i) {
    REQUIRE(pool->submit(f, [] { told_clock::at += 10'000; }));
    CHECK(pool->drain());
  }
  CHECK(f.level() == 0);
}
