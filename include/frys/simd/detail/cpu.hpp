// cpu: what this machine can run, asked of the processor and of the system, and the place that remembers a choice.
//
// frys: real model
#ifndef FRYS_SIMD_DETAIL_CPU_HPP
#define FRYS_SIMD_DETAIL_CPU_HPP

#include <atomic>
#include <cstdint>

#include "abi.hpp"
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail {

using cpu_features = std::uint32_t;
inline constexpr cpu_features cpu_crc32c = 1u;       // x86: crc32 and pclmulqdq; Arm: crc32c
inline constexpr cpu_features cpu_avx2 = 2u;         // with fma, f16c, bmi, bmi2, lzcnt; the system saves ymm
inline constexpr cpu_features cpu_avx512 = 4u;       // f, cd, dq, bw, vl; the system saves zmm and masks
inline constexpr cpu_features cpu_avx512_zen4 = 8u;  // vbmi, vbmi2, vnni, bitalg, vpopcntdq, gfni, vaes, bf16

#if FRYS_SIMD_X86
inline cpu_features detect_cpu() noexcept {
  cpu_features out = 0;
  const auto has = [](unsigned reg, unsigned bit) { return ((reg >> bit) & 1u) != 0; };
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return out;
  if (has(c, 20) && has(c, 1)) out |= cpu_crc32c;
  // sse4.1, sse4.2, pclmul, aes, fma, f16c, avx, osxsave
  if (!(has(c, 19) && has(c, 20) && has(c, 1) && has(c, 25) && has(c, 12) && has(c, 29) && has(c, 28) && has(c, 27)))
    return out;
  unsigned saved = 0, saved_high = 0;
  __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(saved), "=d"(saved_high) : "c"(0));  // xgetbv
  if ((saved & 0x6u) != 0x6u) return out;
  unsigned b7 = 0, c7 = 0;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) return out;
  unsigned ce = 0;
  if (!__get_cpuid(0x80000001u, &a, &b, &ce, &d)) return out;
  if (!(has(b7, 5) && has(b7, 3) && has(b7, 8) && has(ce, 5))) return out;
  out |= cpu_avx2;
  if ((saved & 0xe6u) != 0xe6u) return out;
  if (!(has(b7, 16) && has(b7, 17) && has(b7, 28) && has(b7, 30) && has(b7, 31))) return out;
  out |= cpu_avx512;
  unsigned a71 = 0;
  if (!__get_cpuid_count(7, 1, &a71, &b, &c, &d)) return out;
  if (has(c7, 1) && has(c7, 6) && has(c7, 8) && has(c7, 9) && has(c7, 10) && has(c7, 11) && has(c7, 12) &&
      has(c7, 14) && has(a71, 5))
    out |= cpu_avx512_zen4;
  return out;
}
#elif defined(__aarch64__)
inline cpu_features detect_cpu() noexcept {
#if defined(__ARM_FEATURE_CRC32)
  return cpu_crc32c;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & (1ul << 7)) != 0 ? cpu_crc32c : 0u;  // HWCAP_CRC32
#else
  return 0;
#endif
}
#else
inline cpu_features detect_cpu() noexcept { return 0; }
#endif

// Which kernels run; null until the first call has asked the processor. Constant-initialised, so that calls from other
// translation units' static constructors find it in order.
template <class Kernels>
class choice {
 public:
  // relaxed: tables are constants, nothing is published with the pointer; a race stores the same choice twice.
  const Kernels* get() const noexcept { return active_.load(std::memory_order_relaxed); }
  void set(const Kernels& chosen) noexcept { active_.store(&chosen, std::memory_order_relaxed); }  // relaxed: as above

 private:
  std::atomic<const Kernels*> active_{nullptr};
};

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail

#endif  // FRYS_SIMD_DETAIL_CPU_HPP
