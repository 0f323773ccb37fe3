// expect: frys::concurrent_arena: unknown policy; it takes policy::capacity, policy::chunk_size, policy::alignment, policy::limit, policy::pages, policy::atomics and policy::world
#include <frys/memory/concurrent_arena.hpp>

#ifdef WRONG
frys::concurrent_arena<frys::policy::clock<int>> block;
#else
frys::concurrent_arena<frys::policy::capacity<3>> block;
#endif
