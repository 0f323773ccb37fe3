// expect: frys::mpsc_queue: a policy is given twice; name each at most once
#include <frys/queue/mpsc_queue.hpp>

#ifdef WRONG
frys::mpsc_queue<int, frys::policy::limit<65536>, frys::policy::limit<65536>> block;
#else
frys::mpsc_queue<int, frys::policy::limit<65536>> block;
#endif
