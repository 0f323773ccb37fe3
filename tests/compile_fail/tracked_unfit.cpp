// expect: frys::tracked<A>: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/tracked.hpp>

#ifdef WRONG
inline frys::tracked<int> block;
#else
inline frys::tracked<frys::arena<>> block;
#endif
