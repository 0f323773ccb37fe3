// expect: frys::concurrent_arena: policy::capacity must leave a seat
#include <frys/memory/concurrent_arena.hpp>

#ifdef WRONG
frys::concurrent_arena<frys::policy::capacity<0>> block;
#else
frys::concurrent_arena<frys::policy::capacity<1>> block;
#endif
