// bytes: find a byte in many, as decoders do for ends of lines and separators.
//
// Use when  the byte may be far away, or you look for the first of two.
// Not when  it stands in the next few bytes almost always: a plain loop is as good.
// Threads   any thread; pure functions. Any alignment; nothing outside the view is read.
// Cost      32 bytes a step on x86 with AVX2, 64 with AVX-512 in Highway, 16 elsewhere. Chosen at run time, see
//           target.hpp.
#ifndef FRYS_SIMD_BYTES_HPP
#define FRYS_SIMD_BYTES_HPP

#include <bit>
#include <cstddef>
#include <cstdint>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "target.hpp"

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

namespace detail {

inline constexpr std::uint64_t every_byte = 0x0101010101010101u;

// The lowest set bit of each zero byte of `word` is that byte's top bit; bits above the first zero byte may be wrong.
inline std::uint64_t zero_bytes(std::uint64_t word) noexcept { return (word - every_byte) & ~word & (every_byte << 7); }

// For fewer bytes than a register holds: eight at a time in a word.
template <class Match>
std::size_t find_short(const std::byte* data, std::size_t n, Match match) noexcept {
  std::size_t i = 0;
  if (n >= 8) {
    for (; i + 8 <= n; i += 8)
      if (const std::uint64_t found = match(load_le<std::uint64_t>(data + i)); found != 0)
        return i + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    if (i == n) return n;
    i = n - 8;  // overlaps bytes that are known not to match
    const std::uint64_t found = match(load_le<std::uint64_t>(data + i));
    return found != 0 ? i + static_cast<std::size_t>(std::countr_zero(found)) / 8 : n;
  }
  std::uint64_t word = 0;
  if (n >= 4) {
    word = load_le<std::uint32_t>(data) | std::uint64_t{load_le<std::uint32_t>(data + n - 4)} << (8 * (n - 4));
  } else {
    for (std::size_t k = 0; k < n; ++k) word |= std::to_integer<std::uint64_t>(data[k]) << (8 * k);
  }
  const std::uint64_t found = match(word);
  i = found != 0 ? static_cast<std::size_t>(std::countr_zero(found)) / 8 : n;
  return i < n ? i : n;
}

}  // namespace detail

// The index of the first `wanted`; bytes.size() if there is none.
[[nodiscard]] inline std::size_t find_byte(byte_view bytes, std::byte wanted) noexcept {
  const std::size_t n = bytes.size();
  const kernel_set& chosen = kernels();
  if (n < chosen.vector_bytes) {
    const std::uint64_t all = std::to_integer<std::uint64_t>(wanted) * detail::every_byte;
    return detail::find_short(bytes.data(), n, [all](std::uint64_t word) { return detail::zero_bytes(word ^ all); });
  }
  return chosen.find_byte(bytes.data(), n, wanted);
}

// The index of the first byte that is `one` or `other`; bytes.size() if there is none.
[[nodiscard]] inline std::size_t find_either(byte_view bytes, std::byte one, std::byte other) noexcept {
  const std::size_t n = bytes.size();
  const kernel_set& chosen = kernels();
  if (n < chosen.vector_bytes) {
    const std::uint64_t a = std::to_integer<std::uint64_t>(one) * detail::every_byte;
    const std::uint64_t b = std::to_integer<std::uint64_t>(other) * detail::every_byte;
    return detail::find_short(bytes.data(), n, [a, b](std::uint64_t word) {
      return detail::zero_bytes(word ^ a) | detail::zero_bytes(word ^ b);
    });
  }
  return chosen.find_either(bytes.data(), n, one, other);
}

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_BYTES_HPP
