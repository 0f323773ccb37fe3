// expect: frys::relaxed_priority_queue: unknown policy; it takes policy::order, policy::heaps, policy::stickiness, policy::capacity
#include <frys/queue/relaxed_priority_queue.hpp>

#ifdef WRONG
frys::relaxed_priority_queue<int, frys::policy::clock<int>> block;
#else
frys::relaxed_priority_queue<int> block;
#endif
