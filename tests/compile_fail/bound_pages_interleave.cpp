// expect: frys::bound_pages: one node cannot be interleaved; take interleaved_pages
#include <frys/memory/numa.hpp>

#ifdef WRONG
inline auto taken() { return frys::bound_pages<0, frys::numa_placement::interleave>::allocate(1); }
#else
inline auto taken() { return frys::bound_pages<0, frys::numa_placement::bind>::allocate(1); }
#endif
