// expect: frys::shared_object_pool<T>: T must be an object type, not an array, that dies without throwing
#include <frys/memory/shared_object_pool.hpp>

#ifdef WRONG
frys::shared_object_pool<int[4]> block;
#else
frys::shared_object_pool<int> block;
#endif
