// expect: frys::lanes: policy::aging must be 0 or above the number of lanes
#include <frys/queue/lanes.hpp>

#ifdef WRONG
frys::lanes<int, 4, frys::policy::aging<4>> block;
#else
frys::lanes<int, 4, frys::policy::aging<5>> block;
#endif
