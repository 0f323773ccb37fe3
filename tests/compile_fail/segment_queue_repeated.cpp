// expect: frys::segment_queue: a policy is given twice; name each at most once
#include <frys/queue/segment_queue.hpp>

#ifdef WRONG
frys::segment_queue<int, frys::policy::capacity<8>, frys::policy::capacity<8>> block;
#else
frys::segment_queue<int, frys::policy::capacity<8>> block;
#endif
