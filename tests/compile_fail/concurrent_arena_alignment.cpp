// expect: frys::concurrent_arena: policy::alignment must be a power of two, and at most a page
#include <frys/memory/concurrent_arena.hpp>

#ifdef WRONG
frys::concurrent_arena<frys::policy::alignment<24>> block;
#else
frys::concurrent_arena<frys::policy::alignment<32>> block;
#endif
