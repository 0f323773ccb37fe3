// expect: frys::small_vector<T, N>: N must be at most 2^20 elements
#include <frys/memory/small_vector.hpp>

#ifdef WRONG
using block = frys::small_vector<int, (1 << 20) + 1>; constexpr auto size = sizeof(block);
#else
using block = frys::small_vector<int, 16>; constexpr auto size = sizeof(block);
#endif
