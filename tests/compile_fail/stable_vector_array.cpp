// expect: frys::stable_vector<T>: T must be an object type, not const, not an array, that dies without throwing
#include <frys/memory/stable_vector.hpp>

#ifdef WRONG
frys::stable_vector<int[4]> block;
#else
frys::stable_vector<int> block;
#endif
