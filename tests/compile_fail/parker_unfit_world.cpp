// expect: frys::parker: policy::clock wants a type with a static now() in nanoseconds
#include <frys/core/parker.hpp>

#ifdef WRONG
struct world { using clock = int; };
frys::parker<frys::policy::world<world>> bad;
#else
struct world { using clock = frys::clocks::coarse; };
frys::parker<frys::policy::world<world>> good;
#endif
