#include <frys/core/cache_line.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

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

TEST_CASE("cache_line: cache_aligned is used as its value is, on lines of 64 bytes or of the size that is named") {
  static_assert(sizeof(frys::cache_aligned<std::array<char, 65>, 64>) == 128);
  static_assert(sizeof(frys::cache_aligned<int, 128>) == 128 && alignof(frys::cache_aligned<int, 128>) == 128);
  struct alignas(256) wide {
    char c = 'w';
  };
  static_assert(alignof(frys::cache_aligned<wide>) == 256);
  frys::cache_aligned<int> n{5};
  int& plain = n;
  plain += 2;
  CHECK(n == 7);
  CHECK(n.value == 7);
  n.value = 8;
  const auto& seen = n;
  CHECK(seen + 1 == 9);
  frys::cache_aligned<std::atomic<int>, 128> counters[2];
  counters[0]->fetch_add(3);
  ++counters[1].value;
  CHECK(counters[0]->load() == 3);
  CHECK(reinterpret_cast<std::uintptr_t>(&counters[1]) - reinterpret_cast<std::uintptr_t>(&counters[0]) == 128);
  frys::cache_aligned<std::string> text{"named"};
  CHECK(text->size() == 5);
  const std::string copy = text;
  CHECK(copy == *text);
}
