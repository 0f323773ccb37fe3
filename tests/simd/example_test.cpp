#include <doctest/doctest.h>

// [region example]
#include <frys/simd/bytes.hpp>
#include <frys/simd/checksum.hpp>
#include <frys/simd/distance.hpp>

namespace example {

// How alike two vectors are, from -1 to 1.
float likeness(std::span<const float> a, std::span<const float> b) { return frys::simd::cosine(a, b); }

// What a reader compares to know that a record is whole.
std::uint32_t seal(frys::byte_view record) { return frys::simd::crc32c(record); }

// The first line of a text, without its end.
std::string_view first_line(std::string_view text) {
  return text.substr(0, frys::simd::find_either(frys::as_bytes(text), std::byte{'\r'}, std::byte{'\n'}));
}

}  // namespace example
// [endregion example]

TEST_CASE("simd: the example of the documentation does what it says") {
  const float a[] = {1, 2, 3}, b[] = {-1, -2, -3};
  CHECK(example::likeness(a, b) == doctest::Approx(-1));
  CHECK(example::seal(frys::as_bytes("123456789")) == 0xE3069283u);
  CHECK((example::first_line("PING\r\nmore") == "PING"));
  CHECK((example::first_line("PING") == "PING"));
}
