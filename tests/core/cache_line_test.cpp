#include <frys/core/cache_line.hpp>

#include <doctest/doctest.h>

#include <cstdint>

TEST_CASE("cache_line: neighbours of cache_aligned share no line") {
  frys::cache_aligned<int> two[2];
  const auto a = reinterpret_cast<std::uintptr_t>(&two[0].value);
  const auto b = reinterpret_cast<std::uintptr_t>(&two[1].value);
  CHECK(b - a >= frys::cache_line);
  CHECK(a % frys::cache_line == 0);
  *two[0] = 3;
  CHECK(two[0].value == 3);
  CHECK(*two[1] == 0);
}
