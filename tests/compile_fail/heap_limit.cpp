// expect: frys::heap: policy::limit must leave room for one chunk
#include <frys/memory/heap.hpp>

#ifdef WRONG
frys::heap<frys::policy::limit<1000>> block;
#else
frys::heap<frys::policy::limit<4 * 1024 * 1024>> block;
#endif
