// expect: frys::lanes: at least one lane beside the control lane
#include <frys/queue/lanes.hpp>

#ifdef WRONG
frys::lanes<int, 0> block;
#else
frys::lanes<int, 1> block;
#endif
