// expect: frys::blocking: policy::wait wants a wait policy, see core/wait.hpp
#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::blocking<frys::mpmc_ring<int>, frys::policy::wait<int>> block;
#else
frys::blocking<frys::mpmc_ring<int>, frys::policy::wait<frys::wait::park>> block;
#endif
