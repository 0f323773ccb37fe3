// expect: frys::mpmc_ring: policy::stats wants stats::none, stats::counted or a model of its own, see queue/stats.hpp
#include <frys/queue/mpmc_ring.hpp>

#ifdef WRONG
frys::mpmc_ring<int, frys::policy::stats<int>> block;
#else
frys::mpmc_ring<int, frys::policy::stats<frys::stats::counted>> block;
#endif
