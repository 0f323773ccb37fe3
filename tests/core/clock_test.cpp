#include <frys/core/clock.hpp>

#include <doctest/doctest.h>

namespace {
using namespace std::chrono_literals;
}

TEST_CASE("clock: the three clocks are models") {
  static_assert(frys::clock_model<frys::clocks::steady>);
  static_assert(frys::clock_model<frys::clocks::coarse>);
  static_assert(frys::clock_model<frys::clocks::wall>);
  static_assert(!frys::clock_model<int>);
  CHECK(frys::clocks::wall::now() > 1600000000s);  // after 2020
}

TEST_CASE("clock: steady and coarse never go back") {
  auto before = frys::clocks::steady::now();
  auto coarse_before = frys::clocks::coarse::now();
  for (int i = 0; i < 10000; ++i) {
    const auto now = frys::clocks::steady::now();
    const auto coarse_now = frys::clocks::coarse::now();
    REQUIRE(now >= before);
    REQUIRE(coarse_now >= coarse_before);
    before = now;
    coarse_before = coarse_now;
  }
}

TEST_CASE("clock: coarse is steady's time at the kernel's tick, so deadlines of one fit the other") {
  const auto coarse = frys::clocks::coarse::now();
  const auto steady = frys::clocks::steady::now();
  CHECK(coarse <= steady);
}
