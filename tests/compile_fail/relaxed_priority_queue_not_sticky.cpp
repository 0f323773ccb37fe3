// expect: frys::relaxed_priority_queue: policy::stickiness must be 1 to 2^30
#include <frys/queue/relaxed_priority_queue.hpp>

#ifdef WRONG
frys::relaxed_priority_queue<int, frys::policy::stickiness<0>> block;
#else
frys::relaxed_priority_queue<int, frys::policy::stickiness<1>> block;
#endif
