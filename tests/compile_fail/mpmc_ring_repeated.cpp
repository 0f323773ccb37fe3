// expect: frys::mpmc_ring: a policy is given twice; name each at most once
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::mpmc_ring<int, frys::policy::capacity<8>, frys::policy::capacity<8>> block;
#else
frys::mpmc_ring<int, frys::policy::capacity<8>> block;
#endif
