// expect: frys::mpsc_queue: unknown policy; it takes policy::capacity, policy::limit, policy::pages, policy::stats, policy::atomics and policy::world
#include <frys/queue/mpsc_queue.hpp>

#ifdef WRONG
frys::mpsc_queue<int, frys::policy::clock<int>> block;
#else
frys::mpsc_queue<int, frys::policy::limit<65536>> block;
#endif
