// expect: frys::shared_object_pool: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/shared_object_pool.hpp>

#ifdef WRONG
frys::shared_object_pool<int, frys::policy::atomics<int>> block;
#else
frys::shared_object_pool<int, frys::policy::atomics<frys::atomics::standard>> block;
#endif
