#include <doctest/doctest.h>

#include <frys/core/clock.hpp>
#include <frys/sim/clock.hpp>
#include <frys/sim/world.hpp>

TEST_CASE("sim::clock: time moves when the test says so, and never back") {
  using mine = frys::sim::basic_clock<struct my_tag>;
  using frys::nanoseconds;
  static_assert(frys::clock_model<frys::sim::clock>);
  static_assert(frys::clock_model<frys::sim::world::clock>);
  CHECK(mine::now() == nanoseconds(0));
  mine::advance(nanoseconds(5));
  CHECK(mine::now() == nanoseconds(5));
  mine::advance_to(nanoseconds(3));
  CHECK(mine::now() == nanoseconds(5));
  mine::advance_to(nanoseconds(9));
  CHECK(mine::now() == nanoseconds(9));
  mine::advance((nanoseconds::max)());
  CHECK(mine::now() == (nanoseconds::max)());
  CHECK(frys::sim::clock::now() == nanoseconds(0));  // another clock
  mine::reset();
  CHECK(mine::now() == nanoseconds(0));
}
