// expect: frys::slot_map<T>: T must be an object type, not const, not an array, that dies without throwing
#include <frys/memory/slot_map.hpp>

#ifdef WRONG
frys::slot_map<int[4]> block;
#else
frys::slot_map<int> block;
#endif
