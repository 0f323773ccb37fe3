// expect: frys::bag: policy::stats wants stats::none, stats::counted or a model of its own, see queue/stats.hpp
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::stats<int>> block;
#else
frys::bag<int, frys::policy::stats<frys::stats::counted>> block;
#endif
