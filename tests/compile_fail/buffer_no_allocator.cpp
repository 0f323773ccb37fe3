// expect: frys::buffer::allocate_from: the memory must come from a raw_allocator, see core/concepts.hpp
#include <frys/memory/arena.hpp>
#include <frys/memory/buffer.hpp>

#ifdef WRONG
struct source {};
inline source from;
#else
inline frys::arena<> from;
#endif
inline bool make() { return frys::buffer::allocate_from(from, 10).has_value(); }
