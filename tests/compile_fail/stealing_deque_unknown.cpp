// expect: frys::stealing_deque: unknown policy; it takes policy::capacity, policy::pages, policy::chunk_size
#include <frys/queue/stealing_deque.hpp>

#ifdef WRONG
frys::stealing_deque<int, frys::policy::clock<int>> block;
#else
frys::stealing_deque<int, frys::policy::capacity<8>> block;
#endif
