// expect: frys::mpsc_queue: policy::capacity, of a segment, must be a power of two up to 16384
#include <frys/queue/mpsc_queue.hpp>

#ifdef WRONG
frys::mpsc_queue<int, frys::policy::capacity<100>> queue;
#else
frys::mpsc_queue<int, frys::policy::capacity<128>> queue;
#endif
