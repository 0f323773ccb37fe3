// expect: frys::blocking: a policy is given twice; name each at most once
#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::blocking<frys::mpmc_ring<int>, frys::policy::atomics<frys::atomics::tsan>, frys::policy::atomics<frys::atomics::tsan>> block;
#else
frys::blocking<frys::mpmc_ring<int>, frys::policy::atomics<frys::atomics::standard>> block;
#endif
