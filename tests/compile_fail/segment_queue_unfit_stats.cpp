// expect: frys::segment_queue: policy::stats wants stats::none, stats::counted or a model of its own, see queue/stats.hpp
#include <frys/queue/segment_queue.hpp>

#ifdef WRONG
frys::segment_queue<int, frys::policy::stats<int>> block;
#else
frys::segment_queue<int, frys::policy::stats<frys::stats::counted>> block;
#endif
