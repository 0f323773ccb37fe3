// expect: frys::heap: unknown policy
#include <frys/memory/heap.hpp>

#ifdef WRONG
frys::heap<int> block;
#else
frys::heap<> block;
#endif
