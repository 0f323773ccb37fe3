#include <frys/core/bytes.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>

namespace {

template <class I>
void round_trip(I value) {
  std::byte memory[sizeof(I) + 1]{};
  std::byte* odd = memory + 1;  // no alignment
  frys::store_le(odd, value);
  CHECK(frys::load_le<I>(odd) == value);
  CHECK(odd[0] == static_cast<std::byte>(static_cast<std::uint64_t>(value) & 0xff));
  frys::store_be(odd, value);
  CHECK(frys::load_be<I>(odd) == value);
  CHECK(odd[sizeof(I) - 1] == static_cast<std::byte>(static_cast<std::uint64_t>(value) & 0xff));
}

template <class I>
void all_values() {
  for (const I v : {I{0}, I{1}, static_cast<I>(0x5a), (std::numeric_limits<I>::min)(), (std::numeric_limits<I>::max)(),
                    static_cast<I>(0x0123456789abcdefu)})
    round_trip(v);
}

}  // namespace

TEST_CASE("bytes: integers come back from any address in either byte order") {
  all_values<std::uint8_t>();
  all_values<std::int8_t>();
  all_values<std::uint16_t>();
  all_values<std::int16_t>();
  all_values<std::uint32_t>();
  all_values<std::int32_t>();
  all_values<std::uint64_t>();
  all_values<std::int64_t>();
}

TEST_CASE("bytes: the named order is the order in memory, on every machine") {
  const std::array<std::byte, 4> memory{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  CHECK(frys::load_le<std::uint32_t>(memory.data()) == 0x04030201u);
  CHECK(frys::load_be<std::uint32_t>(memory.data()) == 0x01020304u);
  CHECK(frys::load_le<std::uint16_t>(memory.data() + 1) == 0x0302u);
}

TEST_CASE("bytes: a text and its bytes are one memory") {
  const std::string text("a\0b", 3);
  const frys::byte_view view = frys::as_bytes(text);
  CHECK(view.size() == 3);
  CHECK(static_cast<const void*>(view.data()) == text.data());
  CHECK(frys::as_text(view) == text);
  CHECK(frys::as_text(frys::byte_view()).empty());
  CHECK(frys::as_bytes(std::string_view()).empty());
}
