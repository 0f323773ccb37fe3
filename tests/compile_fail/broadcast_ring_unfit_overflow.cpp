// expect: frys::broadcast_ring: policy::overflow wants overflow::fail or overflow::overwrite
#include <frys/queue/broadcast_ring.hpp>

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::overflow<int>> block;
#else
frys::broadcast_ring<int, frys::policy::overflow<frys::overflow::overwrite>> block;
#endif
