// expect: frys::timer_wheel: policy::clock wants a type with a static now() in nanoseconds
#include <frys/sched/timer_wheel.hpp>

#ifdef WRONG
frys::timer_wheel<frys::policy::clock<int>> bad;
#else
frys::timer_wheel<frys::policy::clock<frys::clocks::coarse>> good;
#endif
