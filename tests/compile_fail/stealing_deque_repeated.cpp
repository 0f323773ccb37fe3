// expect: frys::stealing_deque: a policy is given twice; name each at most once
#include <frys/queue/stealing_deque.hpp>

#ifdef WRONG
frys::stealing_deque<int, frys::policy::capacity<8>, frys::policy::capacity<8>> block;
#else
frys::stealing_deque<int, frys::policy::capacity<8>> block;
#endif
