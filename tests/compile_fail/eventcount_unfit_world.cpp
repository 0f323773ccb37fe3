// expect: frys::eventcount: policy::clock wants a type with a static now() in nanoseconds
#include <frys/core/eventcount.hpp>

#ifdef WRONG
struct world { using clock = int; };
frys::eventcount<frys::policy::world<world>> bad;
#else
struct world { using clock = frys::clocks::coarse; };
frys::eventcount<frys::policy::world<world>> good;
#endif
