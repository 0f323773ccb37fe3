// expect: frys::concurrent_arena: a policy is given twice; name each at most once
#include <frys/memory/concurrent_arena.hpp>

#ifdef WRONG
frys::concurrent_arena<frys::policy::capacity<3>, frys::policy::capacity<3>> block;
#else
frys::concurrent_arena<frys::policy::capacity<3>, frys::policy::limit<4096>> block;
#endif
