// expect: frys::calendar: policy::clock wants a type with a static now() in nanoseconds
#include <frys/sched/calendar.hpp>

#ifdef WRONG
frys::calendar<frys::policy::clock<int>> bad;
#else
frys::calendar<frys::policy::clock<frys::clocks::coarse>> good;
#endif
