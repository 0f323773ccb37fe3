// with/highway: takes Google Highway as the back end of frys/simd. Include it before anything of frys that uses simd,
// in every translation unit that shall have it, or define FRYS_WITH_HIGHWAY=1 for the whole program.
//
// Needs     Highway's headers (Debian: libhwy-dev, vcpkg: highway), 1.0.3 or later; nothing of it is linked.
// Mixing    translation units with and without it live in one program: the back end is part of the names.
// Limits    one version of Highway per program. A translation unit that runs hwy/foreach_target.h itself does so first
//           and includes frys under #if HWY_ONCE.
#ifndef FRYS_WITH_HIGHWAY_HPP
#define FRYS_WITH_HIGHWAY_HPP

#if defined(FRYS_SIMD_DETAIL_ABI_HPP) && !FRYS_SIMD_IS_HIGHWAY
#error "frys/with/highway.hpp: simd was already included without Highway; include this header first"
#endif
#if !defined(FRYS_WITH_HIGHWAY)
#define FRYS_WITH_HIGHWAY 1
#elif !FRYS_WITH_HIGHWAY
#error "frys/with/highway.hpp: FRYS_WITH_HIGHWAY is 0; set it to 1, or leave this header out"
#endif

#include "../simd/target.hpp"

#endif  // FRYS_WITH_HIGHWAY_HPP
