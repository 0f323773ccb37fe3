// expect: frys::mpsc_queue: policy::limit leaves no room for one node; name a larger one
#include <frys/queue/mpsc_queue.hpp>

#ifdef WRONG
frys::mpsc_queue<int, frys::policy::limit<8>> queue;
#else
frys::mpsc_queue<int, frys::policy::limit<4096>> queue;
#endif
