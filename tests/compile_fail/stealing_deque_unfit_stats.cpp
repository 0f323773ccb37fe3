// expect: frys::stealing_deque: policy::stats wants stats::none, stats::counted or a model of its own, see queue/stats.hpp
#include <frys/queue/stealing_deque.hpp>

#ifdef WRONG
frys::stealing_deque<int, frys::policy::stats<int>> block;
#else
frys::stealing_deque<int, frys::policy::stats<frys::stats::counted>> block;
#endif
