// expect: frys::segment_queue: policy::capacity, of a segment, must be a power of two up to 16384
#include <frys/queue/segment_queue.hpp>

#ifdef WRONG
frys::segment_queue<int, frys::policy::capacity<100>> queue;
#else
frys::segment_queue<int, frys::policy::capacity<128>> queue;
#endif
