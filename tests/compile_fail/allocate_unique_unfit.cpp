// expect: frys::allocate_unique: the allocator must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/allocated_ptr.hpp>
#include <frys/memory/arena.hpp>

#ifdef WRONG
inline auto make(int& a) { return frys::allocate_unique<int>(a).has_value(); }
#else
inline auto make(frys::arena<>& a) { return frys::allocate_unique<int>(a).has_value(); }
#endif
