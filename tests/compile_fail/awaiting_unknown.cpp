// expect: frys::awaiting: unknown policy
#include <frys/queue/awaiting.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::awaiting<frys::mpmc_ring<int>, frys::policy::capacity<4>> block;
#else
frys::awaiting<frys::mpmc_ring<int>> block;
#endif
