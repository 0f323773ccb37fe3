// expect: frys::mpsc_queue: policy::stats wants stats::none, stats::counted or a model of its own, see queue/stats.hpp
#include <frys/queue/mpsc_queue.hpp>

#ifdef WRONG
frys::mpsc_queue<int, frys::policy::stats<int>> block;
#else
frys::mpsc_queue<int, frys::policy::stats<frys::stats::counted>> block;
#endif
