// expect: frys::bound_pages: the node must be numa_here or a number below numa_topology::most_nodes
#include <frys/memory/numa.hpp>

#ifdef WRONG
inline auto taken() { return frys::bound_pages<64>::allocate(1); }
#else
inline auto taken() { return frys::bound_pages<63>::allocate(1); }
#endif
