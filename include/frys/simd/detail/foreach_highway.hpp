// foreach_highway: the Highway kernels once per target. Defines FRYS_SIMD_T0 and, where compiled in, FRYS_SIMD_T2, _T3,
// _T4: the namespaces of the targets.
//
// Nothing of Highway is linked, so HWY_EXPORT, HWY_DYNAMIC_DISPATCH and hwy/foreach_target.h are not used; the latter
// would have to find this very file again, which a renamed single header cannot offer. Highway's resting state, before
// and after: what one plain #include <hwy/highway.h> leaves, which is HWY_TARGET == HWY_STATIC_TARGET,
// HWY_TARGET_TOGGLE undefined, HWY_HIGHWAY_PER_TARGET defined and HWY_ONCE == 1.
//
// Included by ../target.hpp alone, which declares what the kernels need first.
#ifndef FRYS_SIMD_DETAIL_FOREACH_HIGHWAY_HPP
#define FRYS_SIMD_DETAIL_FOREACH_HIGHWAY_HPP

#if defined(HWY_ONCE)
#if !HWY_ONCE
#error "frys: include frys before the per-target passes of hwy/foreach_target.h, or under #if HWY_ONCE"
#endif
#endif

// Highway's debug assertions call hwy::Abort, which lives in its library; nothing may need to be linked.
#ifndef HWY_IS_DEBUG_BUILD
#define HWY_IS_DEBUG_BUILD 0
#endif
#include <hwy/highway.h>

#define FRYS_SIMD_BACKEND_NAME "highway"

// If the user already ran foreach_target.h, every target's operations are declared and only macros are switched.
#ifdef HIGHWAY_HWY_FOREACH_TARGET_H_
#define FRYS_SIMD_OPS_READY 1
#else
#define FRYS_SIMD_OPS_READY 0
#endif
#ifdef HWY_TARGET_TOGGLE
#define FRYS_SIMD_TOGGLE_WAS_ON
#endif

// The compile baseline, always. Highway before 1.0.4 has no SSE2 target with g++ and answers "scalar" or emulation for
// plain x86-64; the plain kernels are four times as wide there.
#if HWY_STATIC_TARGET == HWY_SCALAR || HWY_STATIC_TARGET == HWY_EMU128
#define FRYS_SIMD_NS t0_baseline
#define FRYS_SIMD_LANES 4
#include "kernels_plain-inl.hpp"
#undef FRYS_SIMD_NS
#undef FRYS_SIMD_LANES
#else
#undef HWY_TARGET
#define HWY_TARGET HWY_STATIC_TARGET
#include <hwy/ops/set_macros-inl.h>
#define FRYS_SIMD_NS t0_baseline
#include "kernels_highway-inl.hpp"
#undef FRYS_SIMD_NS
#endif
#define FRYS_SIMD_T0 t0_baseline

#if (HWY_TARGETS & HWY_AVX2) && (HWY_STATIC_TARGET != HWY_AVX2)
#undef HWY_TARGET
#define HWY_TARGET HWY_AVX2
#include "highway_ops-inl.hpp"
#define FRYS_SIMD_NS t2_avx2
#include "kernels_highway-inl.hpp"
#undef FRYS_SIMD_NS
#define FRYS_SIMD_T2 t2_avx2
#endif

#if (HWY_TARGETS & HWY_AVX3) && (HWY_STATIC_TARGET != HWY_AVX3)
#undef HWY_TARGET
#define HWY_TARGET HWY_AVX3
#include "highway_ops-inl.hpp"
#define FRYS_SIMD_NS t3_avx512
#include "kernels_highway-inl.hpp"
#undef FRYS_SIMD_NS
#define FRYS_SIMD_T3 t3_avx512
#endif

// Highway 1.0.4 and later.
#if defined(HWY_AVX3_ZEN4)
#if (HWY_TARGETS & HWY_AVX3_ZEN4) && (HWY_STATIC_TARGET != HWY_AVX3_ZEN4)
#undef HWY_TARGET
#define HWY_TARGET HWY_AVX3_ZEN4
#include "highway_ops-inl.hpp"
#define FRYS_SIMD_NS t4_zen4
#include "kernels_highway-inl.hpp"
#undef FRYS_SIMD_NS
#define FRYS_SIMD_T4 t4_zen4
#endif
#endif

// Back to the resting state. A toggle that stays defined would make later Highway headers vanish silently.
#undef HWY_TARGET
#define HWY_TARGET HWY_STATIC_TARGET
#include <hwy/ops/set_macros-inl.h>
#undef HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#ifdef FRYS_SIMD_TOGGLE_WAS_ON
#define HWY_TARGET_TOGGLE
#undef FRYS_SIMD_TOGGLE_WAS_ON
#else
#define HWY_HIGHWAY_PER_TARGET
#define HWY_SET_MACROS_PER_TARGET
#endif
#undef FRYS_SIMD_OPS_READY

#endif  // FRYS_SIMD_DETAIL_FOREACH_HIGHWAY_HPP
