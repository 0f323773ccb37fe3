// expect: frys::leak_checked<A>: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/leak_checked.hpp>

#ifdef WRONG
inline frys::leak_checked<int> block;
#else
inline frys::leak_checked<frys::arena<>> block;
#endif
