// fwd: the names of simd without their bodies.
#ifndef FRYS_SIMD_FWD_HPP
#define FRYS_SIMD_FWD_HPP

#include <cstdint>

#include "../config.hpp"
#include "detail/abi.hpp"

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

enum class isa : std::uint8_t;
struct kernel_set;
struct crc32c_method;

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_FWD_HPP
