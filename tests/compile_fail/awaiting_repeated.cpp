// expect: frys::awaiting: a policy is given twice; name each at most once
#include <frys/queue/awaiting.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::awaiting<frys::mpmc_ring<int>, frys::policy::atomics<frys::atomics::tsan>, frys::policy::atomics<frys::atomics::tsan>> block;
#else
frys::awaiting<frys::mpmc_ring<int>, frys::policy::atomics<frys::atomics::standard>> block;
#endif
