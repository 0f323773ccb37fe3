// expect: frys::spsc_ring: policy::stats wants stats::none, stats::counted or a model of its own, see queue/stats.hpp
#include <frys/queue/spsc_ring.hpp>

#ifdef WRONG
frys::spsc_ring<int, frys::policy::stats<int>> block;
#else
frys::spsc_ring<int, frys::policy::stats<frys::stats::counted>> block;
#endif
