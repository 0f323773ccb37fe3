// target: which SIMD kernels are compiled in, which this machine can run, and which one is chosen.
//
// Use when  you want to know or to log the choice, to take one target's kernels in a test, or to dispatch once before a
//           hot loop: `const auto& k = simd::kernels();`. For single calls use distance.hpp and bytes.hpp.
// How       each kernel is compiled once per target; the first call asks the processor (cpuid, xgetbv) and remembers
//           the best table that it can run. No library is linked, no file is compiled, static constructors may call.
// Back end  Highway where the gate FRYS_WITH_HIGHWAY is 1, else the plain one, which is complete and dispatched too.
// Threads   any thread. Progress: wait-free. Cost: one relaxed load and a branch.
// Source    the dispatch without foreach_target.h is our own; the kernels' shape is common knowledge.
//
// frys: real model
#ifndef FRYS_SIMD_TARGET_HPP
#define FRYS_SIMD_TARGET_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../config.hpp"
#include "detail/abi.hpp"
#include "detail/cpu.hpp"
#include "detail/kernels.hpp"

// The one gate check around includes: a back end is a set of kernels, and only one is taken.
#if FRYS_SIMD_IS_HIGHWAY
#include "detail/foreach_highway.hpp"
#else
#include "detail/foreach_plain.hpp"
#endif

namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI {

namespace detail {
#define FRYS_SIMD_SET(ns, text, level, needs)                                                                \
  kernel_set {                                                                                               \
    FRYS_SIMD_BACKEND_NAME "-" text, level, ns::vector_bytes, needs, &ns::dot, &ns::l2_squared, &ns::cosine, \
        &ns::dot_rows, &ns::l2_squared_rows, &ns::find_byte, &ns::find_either                                \
  }
FRYS_SIMD_LOCAL inline constexpr kernel_set sets[] = {
    FRYS_SIMD_SET(FRYS_SIMD_T0, "baseline", isa::baseline, 0),
#if defined(FRYS_SIMD_T2)
    FRYS_SIMD_SET(FRYS_SIMD_T2, "avx2", isa::avx2, cpu_avx2),
#endif
#if defined(FRYS_SIMD_T3)
    FRYS_SIMD_SET(FRYS_SIMD_T3, "avx512", isa::avx512, cpu_avx512),
#endif
#if defined(FRYS_SIMD_T4)
    FRYS_SIMD_SET(FRYS_SIMD_T4, "avx512_zen4", isa::avx512_zen4, cpu_avx512_zen4),
#endif
};
#undef FRYS_SIMD_SET
FRYS_SIMD_LOCAL inline constinit choice<kernel_set> active_set;
}  // namespace detail

// Every target that is compiled in, the baseline first, better ones later.
inline std::span<const kernel_set> targets() noexcept { return detail::sets; }

// Can this machine run these kernels? Asks the processor each time, which a virtual machine may take microseconds for.
inline bool runnable(const kernel_set& kernels) noexcept {
  return (detail::detect_cpu() & kernels.needs) == kernels.needs;
}

// The kernels of one level; null if it is not compiled in or this machine cannot run it.
inline const kernel_set* kernels_for(isa level) noexcept {
  for (const kernel_set& each : detail::sets)
    if (each.level == level && runnable(each)) return &each;
  return nullptr;
}

namespace detail {
FRYS_NOINLINE inline const kernel_set* choose_set() noexcept {
  const kernel_set* best = sets;
  for (const kernel_set& each : sets)
    if (runnable(each)) best = &each;
  active_set.set(*best);
  return best;
}
}  // namespace detail

// The chosen kernels: the best that are compiled in and that this machine can run.
[[nodiscard]] inline const kernel_set& kernels() noexcept {
  const kernel_set* set = detail::active_set.get();
  if (set == nullptr) [[unlikely]]
    set = detail::choose_set();
  return *set;
}

// The name of the chosen target, for example "highway-avx2" or "plain-avx512".
[[nodiscard]] inline std::string_view target() noexcept { return kernels().name; }

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI

#endif  // FRYS_SIMD_TARGET_HPP
