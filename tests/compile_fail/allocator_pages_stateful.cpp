// expect: frys::allocator_pages<A>: A must be a raw_allocator without state; for an object take pages_of
#include <frys/memory/allocator_pages.hpp>
#include <frys/memory/arena.hpp>
#include <frys/memory/system_allocator.hpp>

#ifdef WRONG
inline auto take() { return frys::allocator_pages<frys::arena<>>::allocate(1).has_value(); }
#else
inline auto take() { return frys::allocator_pages<frys::system_allocator>::allocate(1).has_value(); }
#endif
