// expect: frys/with/highway.hpp: simd was already included without Highway; include this header first
#ifdef FRYS_WITH_HIGHWAY
#undef FRYS_WITH_HIGHWAY
#endif
#define FRYS_WITH_HIGHWAY 0
#include <frys/simd/checksum.hpp>

#ifdef WRONG
#include <frys/with/highway.hpp>
#endif
