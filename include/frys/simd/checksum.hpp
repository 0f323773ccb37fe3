// checksum: CRC-32C (Castagnoli), the checksum of iSCSI, ext4 and most write-ahead logs.
//
// Use when  bytes may be torn or rot and a reader must notice. Every burst of up to 32 wrong bits is found.
// Not when  somebody may forge the bytes on purpose: a CRC is not a signature.
// Threads   any thread; the functions are pure.
// Cost      with the processor's instruction three streams at once, about 8 bytes a cycle from a few KiB on; without it
//           tables of 8 KiB and about 1.5 bytes a cycle. Chosen at run time; no library, also without Highway.
// Source    RFC 3720, appendix B.4 (check values); see detail/crc32c.hpp for the algorithms.
#ifndef FRYS_SIMD_CHECKSUM_HPP
#define FRYS_SIMD_CHECKSUM_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "detail/abi.hpp"
#include "detail/cpu.hpp"
#include "detail/crc32c.hpp"

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

// One way to compute CRC-32C. `update` maps an inverted state to the next; it accepts n == 0.
struct crc32c_method {
  std::string_view name;
  std::uint32_t (*update)(const std::byte* data, std::size_t n, std::uint32_t state) noexcept;

  // As simd::crc32c, by this method.
  std::uint32_t operator()(byte_view bytes, std::uint32_t seed = 0) const noexcept {
    return ~update(bytes.data(), bytes.size(), ~seed);
  }
};

namespace detail {

FRYS_SIMD_LOCAL inline constexpr crc32c_method crc_methods[] = {
    {"table", &crc_by_table},
#if defined(FRYS_SIMD_CRC_NAME)
    {FRYS_SIMD_CRC_NAME, &crc_by_instruction},
#endif
};

FRYS_SIMD_LOCAL inline constinit choice<crc32c_method> crc_choice;

}  // namespace detail

// The methods that this machine can run, the chosen one last. For tests and measurements: asks the processor each
// time.
inline std::span<const crc32c_method> crc32c_methods() noexcept {
  const std::size_t all = std::size(detail::crc_methods);
  return {detail::crc_methods, (detail::detect_cpu() & detail::cpu_crc32c) != 0 ? all : 1};
}

namespace detail {
FRYS_NOINLINE inline const crc32c_method* choose_crc() noexcept {
  const crc32c_method& chosen = crc32c_methods().back();
  crc_choice.set(chosen);
  return &chosen;
}
}  // namespace detail

// The CRC-32C of `bytes`. To go on where an earlier call ended, pass its answer as `seed`:
// crc32c(b, crc32c(a)) is the checksum of a followed by b.
[[nodiscard]] inline std::uint32_t crc32c(byte_view bytes, std::uint32_t seed = 0) noexcept {
  const crc32c_method* method = detail::crc_choice.get();
  if (method == nullptr) [[unlikely]]
    method = detail::choose_crc();
  return (*method)(bytes, seed);
}

// The checksum of a followed by b, from crc32c(a), crc32c(b) and the size of b in bytes. O(log size).
[[nodiscard]] constexpr std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b,
                                                     std::uint64_t size_b) noexcept {
  return detail::crc_multiply(detail::crc_power(0x00800000u, size_b), crc_a) ^ crc_b;
}

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_CHECKSUM_HPP
