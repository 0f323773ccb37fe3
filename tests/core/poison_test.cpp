#include <frys/core/poison.hpp>

#include <doctest/doctest.h>

#include <cstddef>

namespace {
// Without AddressSanitizer nothing is poisoned, ever.
constexpr bool looks = FRYS_ASAN != 0;
}  // namespace

TEST_CASE("poison: bytes that nobody may use, as far as AddressSanitizer looks") {
  alignas(16) std::byte memory[64] = {};
  CHECK_FALSE(frys::is_poisoned(memory));
  frys::poison(memory, 64);
  CHECK(frys::is_poisoned(memory) == looks);
  CHECK(frys::is_poisoned(memory + 63) == looks);
  frys::unpoison(memory + 16, 20);
  CHECK(frys::is_poisoned(memory + 15) == looks);
  CHECK_FALSE(frys::is_poisoned(memory + 16));
  CHECK_FALSE(frys::is_poisoned(memory + 35));
  CHECK(frys::is_poisoned(memory + 36) == looks);
  frys::unpoison(memory, 64);
  CHECK_FALSE(frys::is_poisoned(memory + 63));
  memory[63] = std::byte{1};
}
