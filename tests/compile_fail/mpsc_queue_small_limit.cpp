// expect: frys::mpsc_queue: policy::limit must leave room for two segments; name a larger one, or a smaller policy::capacity
#include <frys/queue/mpsc_queue.hpp>

#ifdef WRONG
frys::mpsc_queue<int, frys::policy::limit<8>> queue;
#else
frys::mpsc_queue<int, frys::policy::limit<65536>> queue;
#endif
