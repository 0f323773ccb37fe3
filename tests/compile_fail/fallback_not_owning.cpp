// expect: frys::fallback<A, B, ...>: each but the last must tell what it owns (owning_allocator); put one that cannot at the end
#include <frys/memory/arena.hpp>
#include <frys/memory/fallback.hpp>
#include <frys/memory/system_allocator.hpp>

#ifdef WRONG
inline frys::fallback<frys::system_allocator, frys::arena<>> block;
#else
inline frys::fallback<frys::arena<>, frys::system_allocator> block;
#endif
