// expect: frys::small_vector: policy::allocator wants a raw_allocator, see core/concepts.hpp
#include <frys/memory/small_vector.hpp>

#ifdef WRONG
frys::small_vector<int, 4, frys::policy::allocator<int>> block;
#else
frys::small_vector<int, 4, frys::policy::allocator<frys::system_allocator>> block;
#endif
