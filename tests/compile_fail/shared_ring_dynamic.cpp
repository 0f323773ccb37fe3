// expect: frys::shared_ring<Ring>: Ring must be an spsc_ring or mpmc_ring whose capacity is a number
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/shared_ring.hpp>

#ifdef WRONG
using capacity = frys::policy::capacity<frys::policy::dynamic>;
#else
using capacity = frys::policy::capacity<8>;
#endif
auto ring = frys::shared_ring<frys::mpmc_ring<int, capacity>>::attach({});
