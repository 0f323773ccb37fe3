#include <frys/core/deadline.hpp>

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using frys::deadline;
using frys::nanoseconds;

// A clock that stands where the test puts it.
struct still {
  static inline nanoseconds time{0};
  static nanoseconds now() noexcept { return time; }
};

}  // namespace

TEST_CASE("deadline: a default deadline is never, and never does not pass") {
  CHECK(deadline().is_never());
  CHECK(deadline::never().is_never());
  still::time = (nanoseconds::max)();
  CHECK_FALSE(deadline::never().has_passed<still>());
}

TEST_CASE("deadline: now has passed on every clock") {
  for (const nanoseconds t : {(nanoseconds::min)(), -5ns, 0ns, 5ns, (nanoseconds::max)()}) {
    still::time = t;
    CHECK(deadline::now().has_passed<still>());
  }
}

TEST_CASE("deadline: after counts from its clock, and passes at its point, not before") {
  still::time = 100ns;
  const deadline d = deadline::after<still>(50ns);
  CHECK(d.at == 150ns);
  still::time = 149ns;
  CHECK_FALSE(d.has_passed<still>());
  still::time = 150ns;
  CHECK(d.has_passed<still>());
}

TEST_CASE("deadline: a delay too long to count is never, a negative one has passed; neither wraps") {
  const nanoseconds longest = (nanoseconds::max)(), shortest = (nanoseconds::min)();
  still::time = 1ns;
  CHECK(deadline::after<still>(longest).is_never());
  CHECK(deadline::after<still>(shortest).has_passed<still>());
  CHECK(deadline::after<still>(-1ns).has_passed<still>());
  still::time = -1ns;  // a clock may start before its epoch
  CHECK(deadline::after<still>(longest).at == longest - 1ns);
  CHECK(deadline::after<still>(shortest).has_passed<still>());
  still::time = longest - 1ns;
  CHECK(deadline::after<still>(2ns).is_never());
  still::time = shortest;
  CHECK(deadline::after<still>(longest).at == -1ns);
}

TEST_CASE("deadline: an earlier deadline is less") {
  CHECK(deadline::now() < deadline{0ns});
  CHECK(deadline{0ns} < deadline::never());
  CHECK(deadline{3ns} == deadline{3ns});
}
