// expect: frys::std_allocator: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/std_allocator.hpp>

struct unfit {
  void* allocate(std::size_t);
};
#ifdef WRONG
inline std::size_t taken(frys::std_allocator<int, unfit> a) { return sizeof(a); }
#else
inline std::size_t taken(frys::std_allocator<int, frys::arena<>> a) { return sizeof(a); }
#endif
