// expect: frys::lanes: a policy is given twice; name each at most once
#include <frys/queue/lanes.hpp>

#ifdef WRONG
frys::lanes<int, 2, frys::policy::aging<8>, frys::policy::aging<8>> block;
#else
frys::lanes<int, 2, frys::policy::aging<8>> block;
#endif
