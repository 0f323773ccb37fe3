// expect: frys::relaxed_priority_queue: policy::heaps must be 1 to 65536
#include <frys/queue/relaxed_priority_queue.hpp>

#ifdef WRONG
frys::relaxed_priority_queue<int, frys::policy::heaps<0>> block;
#else
frys::relaxed_priority_queue<int, frys::policy::heaps<1>> block;
#endif
