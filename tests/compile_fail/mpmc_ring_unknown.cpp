// expect: frys::mpmc_ring: unknown policy; it takes policy::capacity, policy::pages, policy::stats, policy::atomics and policy::world
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::mpmc_ring<int, frys::policy::clock<int>> block;
#else
frys::mpmc_ring<int, frys::policy::capacity<8>> block;
#endif
