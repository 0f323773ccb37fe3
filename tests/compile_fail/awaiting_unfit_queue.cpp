// expect: frys::awaiting<Queue>: Queue must have try_push, try_pop and close, see queue/concepts.hpp
#include <frys/queue/awaiting.hpp>
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::awaiting<int> block;
#else
frys::awaiting<frys::mpmc_ring<int>> block;
#endif
