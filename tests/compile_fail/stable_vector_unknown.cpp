// expect: frys::stable_vector: unknown policy; it takes policy::allocator and policy::world
#include <frys/memory/stable_vector.hpp>

#ifdef WRONG
frys::stable_vector<int, frys::policy::clock<int>> block;
#else
frys::stable_vector<int> block;
#endif
