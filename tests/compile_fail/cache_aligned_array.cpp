// expect: frys::cache_aligned<T>: T must be an object type, not an array; std::array is one
#include <frys/core/cache_line.hpp>

#ifdef WRONG
frys::cache_aligned<int[4]> value;
#else
frys::cache_aligned<int> value;
#endif
