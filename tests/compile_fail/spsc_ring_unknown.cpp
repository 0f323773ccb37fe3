// expect: frys::spsc_ring: unknown policy; it takes policy::capacity, policy::atomics, policy::niche
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::clock<int>> block;
#else
frys::spsc_ring<int, frys::policy::capacity<8>> block;
#endif
