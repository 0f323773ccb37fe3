// expect: frys::shared_object_pool: a policy is given twice; name each at most once
#include <frys/memory/shared_object_pool.hpp>

#ifdef WRONG
frys::shared_object_pool<int, frys::policy::batch<4>, frys::policy::batch<4>> block;
#else
frys::shared_object_pool<int, frys::policy::batch<4>> block;
#endif
