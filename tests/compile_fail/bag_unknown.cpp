// expect: frys::bag: unknown policy; it takes policy::capacity, policy::portion
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::clock<int>> block;
#else
frys::bag<int, frys::policy::limit<65536>> block;
#endif
