// expect: frys::concurrent_arena: policy::chunk_size must be whole cache lines and a multiple of policy::alignment, at least 1 KiB and at most 64 MiB
#include <frys/memory/concurrent_arena.hpp>

#ifdef WRONG
frys::concurrent_arena<frys::policy::chunk_size<1000>> block;
#else
frys::concurrent_arena<frys::policy::chunk_size<1024>> block;
#endif
