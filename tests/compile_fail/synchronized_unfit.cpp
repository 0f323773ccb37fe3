// expect: frys::synchronized<A>: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/synchronized.hpp>

#ifdef WRONG
inline frys::synchronized<int> block;
#else
inline frys::synchronized<frys::arena<>> block;
#endif
