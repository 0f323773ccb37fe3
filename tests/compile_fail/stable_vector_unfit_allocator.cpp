// expect: frys::stable_vector: policy::allocator wants a raw_allocator, see core/concepts.hpp
#include <frys/memory/stable_vector.hpp>

#ifdef WRONG
frys::stable_vector<int, frys::policy::allocator<int>> block;
#else
frys::stable_vector<int, frys::policy::allocator<frys::system_allocator>> block;
#endif
