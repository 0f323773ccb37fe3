#include <doctest/doctest.h>

#include <frys/core/concepts.hpp>
#include <frys/sim/random.hpp>

TEST_CASE("sim::random: the seed decides every number") {
  static_assert(frys::random_source<frys::sim::random>);
  frys::sim::random a(1), b(1), c(2);
  CHECK(a() == b());
  CHECK(a() != c());
  CHECK(frys::sim::random(0)() == 0xe220a8397b1dcdafu);  // splitmix64's first number for seed 0
  CHECK(a.below(0) == 0);
  CHECK_FALSE(a.one_in(0));
  CHECK(a.one_in(1));
  bool within = true;
  for (int i = 0; i < 1000; ++i) within = within && a.below(7) < 7;
  CHECK(within);
}
