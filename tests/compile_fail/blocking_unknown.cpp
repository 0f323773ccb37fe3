// expect: frys::blocking: unknown policy
#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::blocking<frys::mpmc_ring<int>, frys::policy::capacity<4>> block;
#else
frys::blocking<frys::mpmc_ring<int>> block;
#endif
