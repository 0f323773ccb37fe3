// crc32c in three ways: tables, the x86 instruction, the Arm instruction. See ../checksum.hpp for the promise.
//
// The instruction takes 8 bytes with a latency of 3 cycles and can start every cycle, so three independent streams run
// side by side and are joined at the end of a block: the checksum of a stream, moved over the N bytes behind it, is its
// product with x^(8N) modulo the polynomial. On x86 that is one carry-less multiplication; on Arm four table reads.
//
// Source  V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel, 2011;
//         M. E. Kounavis, F. L. Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", 2008.
#ifndef FRYS_SIMD_DETAIL_CRC32C_HPP
#define FRYS_SIMD_DETAIL_CRC32C_HPP

#include <array>
#include <cstddef>
#include <cstdint>

#include "../../core/bytes.hpp"
#include "abi.hpp"

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail {

// Polynomials over one bit, reflected: bit 31 is x^0. 0x1EDC6F41 reflected, without its x^32.
inline constexpr std::uint32_t crc_polynomial = 0x82F63B78u;

constexpr std::uint32_t crc_times_x(std::uint32_t a) noexcept {
  return (a & 1u) != 0 ? (a >> 1) ^ crc_polynomial : a >> 1;
}
constexpr std::uint32_t crc_multiply(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (std::uint32_t bit = 0x80000000u; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = crc_times_x(b);
  }
  return product;
}
// base^n; crc_power(0x40000000, n) is x^n, crc_power(0x00800000, n) is x^(8n).
constexpr std::uint32_t crc_power(std::uint32_t base, std::uint64_t n) noexcept {
  std::uint32_t power = 0x80000000u;
  for (; n != 0; n >>= 1) {
    if ((n & 1u) != 0) power = crc_multiply(power, base);
    base = crc_multiply(base, base);
  }
  return power;
}

using crc_tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[k][b]: the byte b moved over k further bytes.
constexpr crc_tables make_crc_tables() noexcept {
  crc_tables t{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t c = b;
    for (int i = 0; i < 8; ++i) c = crc_times_x(c);
    t[0][b] = c;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xFFu];
  return t;
}
FRYS_SIMD_LOCAL inline constexpr crc_tables crc_table = make_crc_tables();

// The three below take and answer the inverted state, not the checksum.
inline std::uint32_t crc_by_table(const std::byte* p, std::size_t n, std::uint32_t crc) noexcept {
  const crc_tables& t = crc_table;
  for (; n >= 8; n -= 8, p += 8) {
    const std::uint32_t low = load_le<std::uint32_t>(p) ^ crc;
    const std::uint32_t high = load_le<std::uint32_t>(p + 4);
    crc = t[7][low & 0xFFu] ^ t[6][(low >> 8) & 0xFFu] ^ t[5][(low >> 16) & 0xFFu] ^ t[4][low >> 24] ^
          t[3][high & 0xFFu] ^ t[2][(high >> 8) & 0xFFu] ^ t[1][(high >> 16) & 0xFFu] ^ t[0][high >> 24];
  }
  for (; n != 0; --n, ++p) crc = (crc >> 8) ^ t[0][(crc ^ std::to_integer<std::uint32_t>(*p)) & 0xFFu];
  return crc;
}

#if FRYS_SIMD_X86
#define FRYS_SIMD_CRC_TARGET __attribute__((target("sse4.2,pclmul")))

#if defined(__x86_64__)
using crc_word = unsigned long long;
FRYS_SIMD_CRC_TARGET inline crc_word crc_step(crc_word crc, crc_word data) noexcept {
  return __builtin_ia32_crc32di(crc, data);
}
FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_reduce(unsigned long long product) noexcept {
  return static_cast<std::uint32_t>(__builtin_ia32_crc32di(0, product));
}
#else
using crc_word = unsigned;
FRYS_SIMD_CRC_TARGET inline crc_word crc_step(crc_word crc, crc_word data) noexcept {
  return __builtin_ia32_crc32si(crc, data);
}
FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_reduce(unsigned long long product) noexcept {
  const unsigned low = __builtin_ia32_crc32si(0, static_cast<unsigned>(product));
  return __builtin_ia32_crc32si(low, static_cast<unsigned>(product >> 32));
}
#endif

// crc * x^(8n); `by` is x^(8n - 33): the multiplication is one bit short and the reduction adds 32.
FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_move(crc_word crc, std::uint32_t by) noexcept {
  typedef long long pair __attribute__((vector_size(16)));
  const pair a = {static_cast<long long>(crc), 0};
  const pair b = {static_cast<long long>(by), 0};
  const pair product = __builtin_ia32_pclmulqdq128(a, b, 0);
  return crc_reduce(static_cast<unsigned long long>(product[0]));
}

// While three blocks are left: each stream takes one of them.
#define FRYS_SIMD_CRC_BLOCKS(block)                                                     \
  while (n >= 3 * (block)) {                                                            \
    constexpr std::uint32_t by_one = crc_power(0x40000000u, 8 * (block)-33);            \
    constexpr std::uint32_t by_two = crc_power(0x40000000u, 16 * (block)-33);           \
    crc_word c0 = crc, c1 = 0, c2 = 0;                                                  \
    for (const std::byte* end = p + (block); p != end; p += sizeof(crc_word)) {         \
      crc_word w0, w1, w2;                                                              \
      __builtin_memcpy(&w0, p, sizeof w0);                                              \
      __builtin_memcpy(&w1, p + (block), sizeof w1);                                    \
      __builtin_memcpy(&w2, p + 2 * (block), sizeof w2);                                \
      c0 = crc_step(c0, w0);                                                            \
      c1 = crc_step(c1, w1);                                                            \
      c2 = crc_step(c2, w2);                                                            \
    }                                                                                   \
    crc = crc_move(c0, by_two) ^ crc_move(c1, by_one) ^ static_cast<std::uint32_t>(c2); \
    p += 2 * (block);                                                                   \
    n -= 3 * (block);                                                                   \
  }

FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_by_instruction(const std::byte* p, std::size_t n,
                                                             std::uint32_t crc) noexcept {
  FRYS_SIMD_CRC_BLOCKS(2048)
  FRYS_SIMD_CRC_BLOCKS(128)
  crc_word one = crc;
  for (; n >= sizeof(crc_word); n -= sizeof(crc_word), p += sizeof(crc_word)) {
    crc_word w;
    __builtin_memcpy(&w, p, sizeof w);
    one = crc_step(one, w);
  }
  crc = static_cast<std::uint32_t>(one);
  for (; n != 0; --n, ++p) crc = __builtin_ia32_crc32qi(crc, std::to_integer<unsigned char>(*p));
  return crc;
}
#undef FRYS_SIMD_CRC_BLOCKS
#undef FRYS_SIMD_CRC_TARGET
#define FRYS_SIMD_CRC_NAME "sse4.2"

#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#if defined(__clang__)
#define FRYS_SIMD_CRC_TARGET __attribute__((target("crc")))
#else
#define FRYS_SIMD_CRC_TARGET __attribute__((target("+crc")))
#endif

FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_step(std::uint32_t crc, std::uint64_t data) noexcept {
#if defined(__clang__)
  return __builtin_arm_crc32cd(crc, data);
#else
  return __builtin_aarch64_crc32cx(crc, data);
#endif
}
FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_step_byte(std::uint32_t crc, unsigned char data) noexcept {
#if defined(__clang__)
  return __builtin_arm_crc32cb(crc, data);
#else
  return __builtin_aarch64_crc32cb(crc, data);
#endif
}

inline constexpr std::size_t crc_block = 1024;
using crc_move_tables = std::array<std::array<std::uint32_t, 256>, 4>;
constexpr crc_move_tables make_crc_move(std::uint64_t bytes) noexcept {
  crc_move_tables t{};
  const std::uint32_t power = crc_power(0x00800000u, bytes);
  for (std::uint32_t k = 0; k < 4; ++k)
    for (std::uint32_t b = 0; b < 256; ++b) t[k][b] = crc_multiply(power, b << (8 * k));
  return t;
}
FRYS_SIMD_LOCAL inline constexpr crc_move_tables crc_move_block = make_crc_move(crc_block);

inline std::uint32_t crc_move(std::uint32_t crc) noexcept {
  const crc_move_tables& t = crc_move_block;
  return t[0][crc & 0xFFu] ^ t[1][(crc >> 8) & 0xFFu] ^ t[2][(crc >> 16) & 0xFFu] ^ t[3][crc >> 24];
}

FRYS_SIMD_CRC_TARGET inline std::uint32_t crc_by_instruction(const std::byte* p, std::size_t n,
                                                             std::uint32_t crc) noexcept {
  for (; n >= 3 * crc_block; n -= 3 * crc_block, p += 2 * crc_block) {
    std::uint32_t c1 = 0, c2 = 0;
    for (const std::byte* end = p + crc_block; p != end; p += 8) {
      std::uint64_t w0, w1, w2;
      __builtin_memcpy(&w0, p, 8);
      __builtin_memcpy(&w1, p + crc_block, 8);
      __builtin_memcpy(&w2, p + 2 * crc_block, 8);
      crc = crc_step(crc, w0);
      c1 = crc_step(c1, w1);
      c2 = crc_step(c2, w2);
    }
    crc = crc_move(crc_move(crc) ^ c1) ^ c2;
  }
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t w;
    __builtin_memcpy(&w, p, 8);
    crc = crc_step(crc, w);
  }
  for (; n != 0; --n, ++p) crc = crc_step_byte(crc, std::to_integer<unsigned char>(*p));
  return crc;
}
#undef FRYS_SIMD_CRC_TARGET
#define FRYS_SIMD_CRC_NAME "armv8-crc"
#endif

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail

#endif  // FRYS_SIMD_DETAIL_CRC32C_HPP
