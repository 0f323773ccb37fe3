// expect: frys::mpmc_ring: policy::capacity must be a power of two
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::mpmc_ring<int, frys::policy::capacity<100>> ring;
#else
frys::mpmc_ring<int, frys::policy::capacity<128>> ring;
#endif
