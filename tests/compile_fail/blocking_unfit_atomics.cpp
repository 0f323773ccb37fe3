// expect: frys::blocking: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::blocking<frys::mpmc_ring<int>, frys::policy::atomics<int>> block;
#else
frys::blocking<frys::mpmc_ring<int>, frys::policy::atomics<frys::atomics::standard>> block;
#endif
