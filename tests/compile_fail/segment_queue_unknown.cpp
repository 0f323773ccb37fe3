// expect: frys::segment_queue: unknown policy; it takes policy::capacity, policy::limit
#include <frys/queue/segment_queue.hpp>

#ifdef WRONG
frys::segment_queue<int, frys::policy::clock<int>> block;
#else
frys::segment_queue<int, frys::policy::limit<65536>> block;
#endif
