// expect: frys::relaxed_priority_queue: a policy is given twice; name each at most once
#include <frys/queue/relaxed_priority_queue.hpp>

#ifdef WRONG
frys::relaxed_priority_queue<int, frys::policy::heaps<2>, frys::policy::heaps<2>> block;
#else
frys::relaxed_priority_queue<int, frys::policy::heaps<2>> block;
#endif
