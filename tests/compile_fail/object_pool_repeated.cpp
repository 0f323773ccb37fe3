// expect: frys::object_pool: a policy is given twice; name each at most once
#include <frys/memory/object_pool.hpp>

#ifdef WRONG
frys::object_pool<int, frys::policy::chunk_size<4096>, frys::policy::chunk_size<4096>> block;
#else
frys::object_pool<int, frys::policy::chunk_size<4096>> block;
#endif
