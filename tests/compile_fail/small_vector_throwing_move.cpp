// expect: frys::small_vector<T>: T must be an object type, not const, not an array, that moves and dies without throwing
#include <frys/memory/small_vector.hpp>

#ifdef WRONG
frys::small_vector<int[4], 4> block;
#else
frys::small_vector<int, 4> block;
#endif
