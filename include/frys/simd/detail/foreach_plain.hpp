// foreach_plain: the plain kernels once per target. Defines FRYS_SIMD_T0 and, where compiled in, FRYS_SIMD_T2, _T3: the
// namespaces of the targets.
//
// Included by ../target.hpp alone, which declares what the kernels need first.
#ifndef FRYS_SIMD_DETAIL_FOREACH_PLAIN_HPP
#define FRYS_SIMD_DETAIL_FOREACH_PLAIN_HPP

#define FRYS_SIMD_BACKEND_NAME "plain"

// The compile baseline, always.
#if defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define FRYS_SIMD_LANES 16
#elif defined(__AVX2__)
#define FRYS_SIMD_LANES 8
#else
#define FRYS_SIMD_LANES 4
#endif
#define FRYS_SIMD_NS t0_baseline
#include "kernels_plain-inl.hpp"
#undef FRYS_SIMD_NS
#undef FRYS_SIMD_LANES
#define FRYS_SIMD_T0 t0_baseline

// Not with g++ for Windows: it aligns the stack to 16 bytes only there (its bug 54412), and a spilled register faults.
#if FRYS_SIMD_X86 && defined(__GNUC__) && !(defined(_WIN32) && !defined(__clang__))

#if !defined(__AVX2__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,lzcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,lzcnt")
#endif
#define FRYS_SIMD_NS t2_avx2
#define FRYS_SIMD_LANES 8
#include "kernels_plain-inl.hpp"
#undef FRYS_SIMD_NS
#undef FRYS_SIMD_LANES
#define FRYS_SIMD_T2 t2_avx2
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#if !(defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__))
#if defined(__clang__)
#pragma clang attribute push(                                                                            \
    __attribute__((target("avx512f,avx512cd,avx512vl,avx512dq,avx512bw,avx2,fma,f16c,bmi,bmi2,lzcnt"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512cd,avx512vl,avx512dq,avx512bw,avx2,fma,f16c,bmi,bmi2,lzcnt")
#endif
#define FRYS_SIMD_NS t3_avx512
#define FRYS_SIMD_LANES 16
#include "kernels_plain-inl.hpp"
#undef FRYS_SIMD_NS
#undef FRYS_SIMD_LANES
#define FRYS_SIMD_T3 t3_avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#endif

#endif  // FRYS_SIMD_DETAIL_FOREACH_PLAIN_HPP
