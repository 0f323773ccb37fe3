// expect: frys::allocator_resource: A must be a raw_allocator, see core/concepts.hpp
#include <frys/memory/pmr.hpp>

struct unfit {
  void* allocate(std::size_t);
};
#ifdef WRONG
inline std::size_t taken() { return sizeof(frys::allocator_resource<unfit>); }
#else
inline std::size_t taken() { return sizeof(frys::allocator_resource<frys::arena<>>); }
#endif
