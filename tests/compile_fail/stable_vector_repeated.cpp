// expect: frys::stable_vector: a policy is given twice; name each at most once
#include <frys/memory/stable_vector.hpp>

#ifdef WRONG
frys::stable_vector<int, frys::policy::allocator<frys::system_allocator>, frys::policy::allocator<frys::system_allocator>> block;
#else
frys::stable_vector<int, frys::policy::allocator<frys::system_allocator>> block;
#endif
