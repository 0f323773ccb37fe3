#include <doctest/doctest.h>
#include <frys/simd/checksum.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> out(size);
  std::uint32_t x = 12345;
  for (std::byte& b : out) {
    x = x * 1664525u + 1013904223u;
    b = static_cast<std::byte>(x >> 24);
  }
  return out;
}

// The definition, bit by bit.
std::uint32_t reference(frys::byte_view bytes) {
  std::uint32_t crc = ~0u;
  for (const std::byte b : bytes) {
    crc ^= std::to_integer<std::uint32_t>(b);
    for (int i = 0; i < 8; ++i) crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
  }
  return ~crc;
}

// Called before main: the choice must already work.
const std::uint32_t early = frys::simd::crc32c(frys::as_bytes("123456789"));

}  // namespace

TEST_CASE("crc32c: equals the published check values") {
  CHECK(early == 0xE3069283u);
  CHECK(frys::simd::crc32c({}) == 0u);
  std::vector<std::byte> block(32);
  CHECK(frys::simd::crc32c(block) == 0x8A9136AAu);  // RFC 3720, B.4
  for (std::byte& b : block) b = std::byte{0xFF};
  CHECK(frys::simd::crc32c(block) == 0x62A8AB43u);
  for (std::size_t i = 0; i < 32; ++i) block[i] = static_cast<std::byte>(i);
  CHECK(frys::simd::crc32c(block) == 0x46DD794Eu);
  for (const auto& method : frys::simd::crc32c_methods())
    CHECK_MESSAGE(method(frys::as_bytes("123456789")) == 0xE3069283u, method.name);
}

TEST_CASE("crc32c: every method equals the definition at every length and alignment") {
  const std::vector<std::byte> bytes = pattern(2 * 6144 + 999);
  for (const auto& method : frys::simd::crc32c_methods()) {
    for (std::size_t size = 0; size <= 257; ++size) {
      for (std::size_t offset = 0; offset < 9; ++offset) {
        const frys::byte_view view(bytes.data() + offset, size);
        REQUIRE_MESSAGE(method(view) == reference(view), method.name << " size " << size << " offset " << offset);
      }
    }
    // Around the blocks of the interleaved streams.
    for (const std::size_t around : {384u, 768u, 3072u, 6144u, 6528u, 12288u})
      for (std::size_t size = around - 9; size <= around + 9; ++size) {
        const frys::byte_view view(bytes.data() + size % 8, size);
        REQUIRE_MESSAGE(method(view) == reference(view), method.name << " size " << size);
      }
  }
}

TEST_CASE("crc32c: a seed continues, and combine joins two checksums") {
  const std::vector<std::byte> bytes = pattern(10000);
  const frys::byte_view all(bytes);
  const std::uint32_t whole = frys::simd::crc32c(all);
  for (const std::size_t cut : {0u, 1u, 7u, 8u, 100u, 5000u, 9999u, 10000u}) {
    const std::uint32_t head = frys::simd::crc32c(all.first(cut));
    CHECK(frys::simd::crc32c(all.subspan(cut), head) == whole);
    CHECK(frys::simd::crc32c_combine(head, frys::simd::crc32c(all.subspan(cut)), bytes.size() - cut) == whole);
  }
}

TEST_CASE("crc32c: one flipped bit anywhere changes the checksum") {
  std::vector<std::byte> bytes = pattern(400);
  const std::uint32_t right = frys::simd::crc32c(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    REQUIRE(frys::simd::crc32c(bytes) != right);
    bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
  }
}

TEST_CASE("crc32c: a machine with the instruction uses it") {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
    CHECK(frys::simd::crc32c_methods().back().name == "sse4.2");
#endif
  CHECK(frys::simd::crc32c_methods().front().name == "table");
}
