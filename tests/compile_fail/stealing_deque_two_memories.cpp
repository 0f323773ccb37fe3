// expect: frys::stealing_deque: policy::capacity puts the slots into the object; it goes without policy::pages and policy::chunk_size
#include <frys/queue/stealing_deque.hpp>

#ifdef WRONG
frys::stealing_deque<int, frys::policy::capacity<8>, frys::policy::chunk_size<64>> block;
#else
frys::stealing_deque<int, frys::policy::chunk_size<64>> block;
#endif
