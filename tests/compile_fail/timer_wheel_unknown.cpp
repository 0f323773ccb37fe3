// expect: frys::timer_wheel: unknown policy; it takes policy::capacity, policy::clock and policy::world
#include <frys/sched/timer_wheel.hpp>

#ifdef WRONG
frys::timer_wheel<int> bad;
#else
frys::timer_wheel<> good;
#endif
