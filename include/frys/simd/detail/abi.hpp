// abi: the back end and the compile baseline of this translation unit, as the name of an inline namespace.
//
// Everything of simd lives in namespace FRYS_SIMD_ABI, so translation units compiled with other -m flags or with the
// other back end never share a symbol: the linker cannot run one's AVX-512 code on a machine that the other one must
// support.
#ifndef FRYS_SIMD_DETAIL_ABI_HPP
#define FRYS_SIMD_DETAIL_ABI_HPP

#include "../../config.hpp"

// The gate: 1 takes Google Highway as the back end, 0 (default) the plain one. Set it through frys/with/highway.hpp or
// for the whole program; nothing looks for the library by itself.
#ifndef FRYS_WITH_HIGHWAY
#define FRYS_WITH_HIGHWAY 0
#endif
#if FRYS_WITH_HIGHWAY
#define FRYS_SIMD_BACKEND highway
#define FRYS_SIMD_IS_HIGHWAY 1
#else
#define FRYS_SIMD_BACKEND plain
#define FRYS_SIMD_IS_HIGHWAY 0
#endif

// The baseline: a level, then what compilers switch on independently of it.
#if defined(__AVX512BF16__) && defined(__AVX512VBMI2__)
#define FRYS_SIMD_LEVEL avx512_zen4
#elif defined(__AVX512VBMI2__)
#define FRYS_SIMD_LEVEL avx512_vbmi2
#elif defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define FRYS_SIMD_LEVEL avx512
#elif defined(__AVX512F__)
#define FRYS_SIMD_LEVEL avx512f
#elif defined(__AVX2__)
#define FRYS_SIMD_LEVEL avx2
#elif defined(__AVX__)
#define FRYS_SIMD_LEVEL avx
#elif defined(__SSE4_2__)
#define FRYS_SIMD_LEVEL sse42
#elif defined(__SSSE3__)
#define FRYS_SIMD_LEVEL ssse3
#elif defined(__ARM_FEATURE_SVE)
#define FRYS_SIMD_LEVEL sve
#else
#define FRYS_SIMD_LEVEL base
#endif
#if defined(__FMA__)
#define FRYS_SIMD_FMA f
#else
#define FRYS_SIMD_FMA x
#endif
#if defined(__BMI2__)
#define FRYS_SIMD_BMI b
#else
#define FRYS_SIMD_BMI x
#endif
#if defined(__LZCNT__)
#define FRYS_SIMD_LZCNT l
#else
#define FRYS_SIMD_LZCNT x
#endif
#if defined(__PCLMUL__) || defined(__ARM_FEATURE_CRC32)
#define FRYS_SIMD_CRC c
#else
#define FRYS_SIMD_CRC x
#endif

// For example plain_avx2_fblc or highway_base_xxxx.
#define FRYS_SIMD_NAME_(a, b, c, d, e, f) a##_##b##_##c##d##e##f
#define FRYS_SIMD_NAME(a, b, c, d, e, f) FRYS_SIMD_NAME_(a, b, c, d, e, f)
#define FRYS_SIMD_ABI \
  FRYS_SIMD_NAME(FRYS_SIMD_BACKEND, FRYS_SIMD_LEVEL, FRYS_SIMD_FMA, FRYS_SIMD_BMI, FRYS_SIMD_LZCNT, FRYS_SIMD_CRC)

#if defined(__x86_64__) || defined(__i386__)
#define FRYS_SIMD_X86 1
#else
#define FRYS_SIMD_X86 0
#endif

// For variables: each shared object keeps its own copy, and none of them becomes a unique symbol that would keep a
// plugin from being unloaded.
#if defined(_WIN32)
#define FRYS_SIMD_LOCAL
#else
#define FRYS_SIMD_LOCAL __attribute__((visibility("hidden")))
#endif

#endif  // FRYS_SIMD_DETAIL_ABI_HPP
