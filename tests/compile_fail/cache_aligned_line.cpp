// expect: frys::cache_aligned: Line must be a power of two between 32 and 4096
#include <frys/core/cache_line.hpp>

#ifdef WRONG
frys::cache_aligned<int, 8192> value;
#else
frys::cache_aligned<int, 128> value;
#endif
