// expect: frys::mpmc_ring: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::mpmc_ring<int, frys::policy::atomics<int>> block;
#else
frys::mpmc_ring<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
