// expect: frys::hardened<A>: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/hardened.hpp>

#ifdef WRONG
inline frys::hardened<int> block;
#else
inline frys::hardened<frys::arena<>> block;
#endif
