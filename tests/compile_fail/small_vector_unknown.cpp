// expect: frys::small_vector: unknown policy; it takes policy::allocator and policy::world
#include <frys/memory/small_vector.hpp>

#ifdef WRONG
frys::small_vector<int, 4, frys::policy::clock<int>> block;
#else
frys::small_vector<int, 4> block;
#endif
