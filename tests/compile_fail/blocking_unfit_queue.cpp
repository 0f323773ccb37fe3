// expect: frys::blocking<Queue>: Queue must have try_push, try_pop and close, see queue/concepts.hpp
#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::blocking<int> block;
#else
frys::blocking<frys::mpmc_ring<int>> block;
#endif
