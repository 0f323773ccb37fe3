// expect: frys::arena: policy::alignment must be a power of two, and at most a page
#include <frys/memory/arena.hpp>

#ifdef WRONG
frys::arena<frys::policy::alignment<24>> block;
#else
frys::arena<frys::policy::alignment<32>> block;
#endif
