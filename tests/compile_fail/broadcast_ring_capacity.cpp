// expect: frys::broadcast_ring: policy::capacity must be a power of two
#include <frys/queue/broadcast_ring.hpp>

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::capacity<100>> block;
#else
frys::broadcast_ring<int, frys::policy::capacity<128>> block;
#endif
