// expect: frys::broadcast_ring: unknown policy; it takes policy::capacity, policy::readers
#include <frys/queue/broadcast_ring.hpp>

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::clock<int>> block;
#else
frys::broadcast_ring<int, frys::policy::capacity<8>> block;
#endif
