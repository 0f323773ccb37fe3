// expect: frys::std_allocator: T must be an object type without const and volatile
#include <frys/memory/std_allocator.hpp>

#ifdef WRONG
inline std::size_t taken(frys::arena_allocator<const int> a) { return sizeof(a); }
#else
inline std::size_t taken(frys::arena_allocator<int> a) { return sizeof(a); }
#endif
