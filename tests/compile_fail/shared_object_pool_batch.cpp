// expect: frys::shared_object_pool: policy::batch wants 1 to 65536 objects
#include <frys/memory/shared_object_pool.hpp>

#ifdef WRONG
frys::shared_object_pool<int, frys::policy::batch<0>> block;
#else
frys::shared_object_pool<int, frys::policy::batch<1>> block;
#endif
