#include <doctest/doctest.h>
#include <frys/simd/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

std::size_t find_in(std::string_view text, char wanted) {
  return frys::simd::find_byte(frys::as_bytes(text), static_cast<std::byte>(wanted));
}

// Bytes that hold neither a nor b, but their neighbours, which off-by-one masks would mistake.
std::vector<std::byte> filler(std::size_t size, std::byte a, std::byte b) {
  std::vector<std::byte> out(size);
  std::uint32_t x = 99;
  for (std::byte& each : out) {
    do {
      x = x * 1664525u + 1013904223u;
      const std::uint32_t pick = x >> 24;
      each = static_cast<std::byte>(pick < 64 ? std::to_integer<std::uint32_t>(a) + 1 + pick % 2 * 254 : pick);
    } while (each == a || each == b);
  }
  return out;
}

}  // namespace

TEST_CASE("find_byte: the first place of a byte, or the size") {
  CHECK(find_in("", 'x') == 0);
  CHECK(find_in("abc", 'x') == 3);
  CHECK(find_in("abcabc", 'c') == 2);
  CHECK(find_in("PING\r\n", '\r') == 4);
  CHECK(find_in("a long line that ends somewhere behind two registers of any machine\r\n", '\r') == 67);
  CHECK(find_in(std::string_view("abc\0def", 7), '\0') == 3);
  CHECK(find_in("abc", '\0') == 3);
  CHECK(find_in("abcdef", '\0') == 6);
}

TEST_CASE("find_byte, find_either: every target finds every place at every length and alignment") {
  for (const auto& [a, b] : {std::pair{std::byte{'\n'}, std::byte{'\r'}}, std::pair{std::byte{0}, std::byte{255}},
                             std::pair{std::byte{0x80}, std::byte{0x7F}}}) {
    for (std::size_t n = 0; n <= 257; ++n) {
      for (std::size_t offset = 0; offset < 3; ++offset) {
        std::vector<std::byte> block = filler(n + offset, a, b);
        std::byte* data = block.data() + offset;
        const frys::byte_view view(data, n);
        const std::size_t step = n < 70 ? 1 : 13;
        for (std::size_t at = 0; at <= n; at += at < n && at + step > n ? n - at : step) {
          if (at < n) data[at] = b;
          if (at + 3 < n) data[at + 3] = a;  // a later one must not win
          const std::size_t first_a = at + 3 < n ? at + 3 : n;
          bool right = frys::simd::find_byte(view, a) == first_a && frys::simd::find_byte(view, b) == at &&
                       frys::simd::find_either(view, a, b) == at && frys::simd::find_either(view, b, a) == at;
          for (const auto& each : frys::simd::targets())
            if (frys::simd::runnable(each))
              right = right && each.find_byte(data, n, a) == first_a && each.find_byte(data, n, b) == at &&
                      each.find_either(data, n, a, b) == at;
          CHECK_MESSAGE(right, "n " << n << " offset " << offset << " at " << at);
          const std::vector<std::byte> clean = filler(n + offset, a, b);
          if (at < n) data[at] = clean[offset + at];
          if (at + 3 < n) data[at + 3] = clean[offset + at + 3];
          if (at == n) break;
        }
      }
    }
  }
}
