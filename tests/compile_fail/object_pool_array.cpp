// expect: frys::object_pool<T>: T must be an object type, not an array, that dies without throwing
#include <frys/memory/object_pool.hpp>

#ifdef WRONG
frys::object_pool<int[4]> pool;
#else
frys::object_pool<int> pool;
#endif
