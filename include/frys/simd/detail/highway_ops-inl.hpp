// highway_ops: brings in Highway's operations for the HWY_TARGET that the includer has just defined. No include guard:
// once per target.
//
// hwy/highway.h enters its per-target part whenever HWY_HIGHWAY_PER_TARGET and HWY_TARGET_TOGGLE do not agree, so the
// toggle is flipped and both guards are put in step with it.
#if FRYS_SIMD_OPS_READY
#include <hwy/ops/set_macros-inl.h>
#else
#ifdef HWY_TARGET_TOGGLE
#undef HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#else
#define HWY_TARGET_TOGGLE
#undef HWY_HIGHWAY_PER_TARGET
#define HWY_HIGHWAY_PER_TARGET
#undef HWY_SET_MACROS_PER_TARGET
#define HWY_SET_MACROS_PER_TARGET
#endif
#include <hwy/highway.h>
#endif
