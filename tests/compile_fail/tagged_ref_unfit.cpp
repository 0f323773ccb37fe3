// expect: frys::tagged_ref<A>: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/allocator_ref.hpp>
#include <frys/memory/arena.hpp>

#ifdef WRONG
inline void use(int& a) { frys::tagged_ref<int> r(a, "x"); }
#else
inline void use(frys::arena<>& a) { frys::tagged_ref<frys::arena<>> r(a, "x"); }
#endif
