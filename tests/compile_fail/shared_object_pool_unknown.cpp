// expect: frys::shared_object_pool: unknown policy; it takes policy::atomics, policy::pages, policy::chunk_size, policy::limit, policy::capacity, policy::batch and policy::world
#include <frys/memory/shared_object_pool.hpp>

#ifdef WRONG
frys::shared_object_pool<int, frys::policy::clock<int>> block;
#else
frys::shared_object_pool<int, frys::policy::chunk_size<4096>> block;
#endif
