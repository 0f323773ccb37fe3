// expect: frys::calendar: unknown policy; it takes policy::clock, policy::repeat_after and policy::world
#include <frys/sched/calendar.hpp>

#ifdef WRONG
frys::calendar<frys::policy::capacity<8>> bad;
#else
frys::calendar<> good;
#endif
