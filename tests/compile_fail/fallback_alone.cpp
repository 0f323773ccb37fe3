// expect: frys::fallback: name two allocators at least, the first one first
#include <frys/memory/arena.hpp>
#include <frys/memory/fallback.hpp>
#include <frys/memory/system_allocator.hpp>

#ifdef WRONG
inline frys::fallback<frys::arena<>> block;
#else
inline frys::fallback<frys::arena<>, frys::system_allocator> block;
#endif
