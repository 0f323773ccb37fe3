// expect: frys::bag: policy::capacity, of a block, must be a power of two up to 16384
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::capacity<100>> block;
#else
frys::bag<int, frys::policy::capacity<128>> block;
#endif
