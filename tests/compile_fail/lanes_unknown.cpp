// expect: frys::lanes: unknown policy; it takes policy::capacity, policy::aging, policy::atomics
#include <frys/queue/lanes.hpp>

#ifdef WRONG
frys::lanes<int, 2, frys::policy::clock<int>> block;
#else
frys::lanes<int, 2> block;
#endif
