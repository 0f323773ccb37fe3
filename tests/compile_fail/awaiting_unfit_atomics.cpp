// expect: frys::awaiting: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/awaiting.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::awaiting<frys::mpmc_ring<int>, frys::policy::atomics<int>> block;
#else
frys::awaiting<frys::mpmc_ring<int>, frys::policy::atomics<frys::atomics::standard>> block;
#endif
