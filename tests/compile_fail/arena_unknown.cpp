// expect: frys::arena: unknown policy; it takes policy::pages, policy::chunk_size, policy::growth, policy::alignment, policy::limit and policy::world
#include <frys/memory/arena.hpp>

#ifdef WRONG
frys::arena<frys::policy::clock<int>> block;
#else
frys::arena<frys::policy::chunk_size<4096>> block;
#endif
