// expect: frys::stealing_deque: policy::capacity must be a power of two
#include <frys/queue/stealing_deque.hpp>

#ifdef WRONG
frys::stealing_deque<int, frys::policy::capacity<100>> block;
#else
frys::stealing_deque<int, frys::policy::capacity<128>> block;
#endif
