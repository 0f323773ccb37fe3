// expect: frys::pages_of<Object>: Object must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/allocator_pages.hpp>
#include <frys/memory/arena.hpp>

#ifdef WRONG
inline int object = 0;
#else
inline frys::arena<> object;
#endif
inline auto take() { return frys::pages_of<object>::allocate(1).has_value(); }
