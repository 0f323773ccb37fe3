// kernels: the table of what a target offers. One kernel_set per target that is compiled in.
#ifndef FRYS_SIMD_DETAIL_KERNELS_HPP
#define FRYS_SIMD_DETAIL_KERNELS_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "abi.hpp"

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

// A step of instruction sets that kernels are compiled for. `baseline` is whatever the compiler was told (-m flags).
enum class isa : std::uint8_t { baseline, avx2, avx512, avx512_zen4 };

// The kernels of one target, as plain functions of pointers and sizes. Take one set before a hot loop to dispatch once.
// Sums run in lanes and with fused multiply-add where the target has it, so they differ from target to target by
// rounding; on one target equal inputs give equal bits.
struct kernel_set {
  std::string_view name;     // back end and instruction set, for example "highway-avx2"
  isa level;                 // what it was compiled for
  std::size_t vector_bytes;  // of one register as the kernels use it
  std::uint32_t needs;       // processor features; see runnable()

  // Over n floats each; no alignment is asked for. n == 0 answers 0.
  float (*dot)(const float* a, const float* b, std::size_t n) noexcept;
  float (*l2_squared)(const float* a, const float* b, std::size_t n) noexcept;
  float (*cosine)(const float* a, const float* b, std::size_t n) noexcept;
  // out[i] = dot or l2_squared of `query` with the row at rows + i * stride, for i < count. The same bits come out for
  // the same row wherever it stands, except on 32-bit x86 without SSE, whose x87 registers round at the compiler's
  // will.
  void (*dot_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                   float* out) noexcept;
  void (*l2_squared_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                          float* out) noexcept;
  // The index of the first byte that equals `a` (or `b`); n if there is none.
  std::size_t (*find_byte)(const std::byte* data, std::size_t n, std::byte a) noexcept;
  std::size_t (*find_either)(const std::byte* data, std::size_t n, std::byte a, std::byte b) noexcept;
};

namespace detail {
// From tail_mask + 16 - (lanes - r), `lanes` words: the last r are ones, the others zero. A vector that ends at the end
// of the data and overlaps what was already summed is cleared with it, so that no kernel reads past its input.
FRYS_SIMD_LOCAL inline constexpr std::int32_t tail_mask[32] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
}  // namespace detail

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_DETAIL_KERNELS_HPP
