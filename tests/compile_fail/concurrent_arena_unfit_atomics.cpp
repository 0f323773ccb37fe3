// expect: frys::concurrent_arena: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/concurrent_arena.hpp>

#ifdef WRONG
frys::concurrent_arena<frys::policy::atomics<int>> block;
#else
frys::concurrent_arena<frys::policy::atomics<frys::atomics::standard>> block;
#endif
