// expect: frys::broadcast_ring: policy::stats wants stats::none, stats::counted or a model of its own, see queue/stats.hpp
#include <frys/queue/broadcast_ring.hpp>

#ifdef WRONG
frys::broadcast_ring<int, frys::policy::stats<int>> block;
#else
frys::broadcast_ring<int, frys::policy::stats<frys::stats::counted>> block;
#endif
