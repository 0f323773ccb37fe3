// expect: frys::fallback<A, B, ...>: each must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/fallback.hpp>
#include <frys/memory/system_allocator.hpp>

#ifdef WRONG
inline frys::fallback<frys::arena<>, int> block;
#else
inline frys::fallback<frys::arena<>, frys::system_allocator> block;
#endif
