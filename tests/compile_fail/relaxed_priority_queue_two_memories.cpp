// expect: frys::relaxed_priority_queue: policy::capacity puts the values into the object
#include <frys/queue/relaxed_priority_queue.hpp>

#ifdef WRONG
frys::relaxed_priority_queue<int, frys::policy::capacity<8>, frys::policy::chunk_size<8192>> block;
#else
frys::relaxed_priority_queue<int, frys::policy::chunk_size<8192>> block;
#endif
