// expect: frys::allocator_ref<A>: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/allocator_ref.hpp>
#include <frys/memory/arena.hpp>

#ifdef WRONG
inline void use(int& a) { frys::allocator_ref<int> r(a); }
#else
inline void use(frys::arena<>& a) { frys::allocator_ref<frys::arena<>> r(a); }
#endif
