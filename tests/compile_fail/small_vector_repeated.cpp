// expect: frys::small_vector: a policy is given twice; name each at most once
#include <frys/memory/small_vector.hpp>

#ifdef WRONG
frys::small_vector<int, 4, frys::policy::allocator<frys::system_allocator>, frys::policy::allocator<frys::system_allocator>> block;
#else
frys::small_vector<int, 4, frys::policy::allocator<frys::system_allocator>> block;
#endif
