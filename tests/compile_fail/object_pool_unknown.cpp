// expect: frys::object_pool: unknown policy; it takes policy::pages, policy::chunk_size, policy::limit, policy::reuse and policy::world
#include <frys/memory/object_pool.hpp>

#ifdef WRONG
frys::object_pool<int, frys::policy::clock<int>> block;
#else
frys::object_pool<int, frys::policy::chunk_size<4096>> block;
#endif
