// expect: frys::limited<A>: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/limited.hpp>

#ifdef WRONG
inline frys::limited<int, 100> block;
#else
inline frys::limited<frys::arena<>, 100> block;
#endif
