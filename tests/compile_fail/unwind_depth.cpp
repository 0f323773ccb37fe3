// expect: frys::stacks::unwind<Depth>: Depth must be 1 to 256 frames
#include <frys/memory/diagnostics.hpp>

#ifdef WRONG
inline auto deep() { return frys::stacks::unwind<0>::depth; }
#else
inline auto deep() { return frys::stacks::unwind<1>::depth; }
#endif
