#include <doctest/doctest.h>

#include <frys/storage/durability.hpp>

TEST_CASE("durability: each level has a name that leads back to it") {
  using frys::durability;
  for (durability level : {durability::machine, durability::process, durability::none})
    CHECK(frys::durability_of(frys::name_of(level)) == level);
  CHECK_FALSE(frys::durability_of("Machine").has_value());
  CHECK_FALSE(frys::durability_of("").has_value());
}
