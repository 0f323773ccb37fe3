// expect: frys::shared_object_pool: policy::capacity wants 1 to 65536 seats
#include <frys/memory/shared_object_pool.hpp>

#ifdef WRONG
frys::shared_object_pool<int, frys::policy::capacity<0>> block;
#else
frys::shared_object_pool<int, frys::policy::capacity<1>> block;
#endif
