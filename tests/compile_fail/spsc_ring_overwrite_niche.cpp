// expect: frys::spsc_ring: overflow::overwrite goes with policy::capacity of a number, policy::stats and policy::atomics alone
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::niche<0>, frys::policy::overflow<frys::overflow::overwrite>> ring;
#else
frys::spsc_ring<int, frys::policy::capacity<8>, frys::policy::overflow<frys::overflow::overwrite>> ring;
#endif
