// expect: frys::shared_timer_wheel: policy::clock wants a type with a static now() in nanoseconds
#include <frys/sched/shared_timer_wheel.hpp>

#ifdef WRONG
frys::shared_timer_wheel<frys::policy::clock<int>> bad;
#else
frys::shared_timer_wheel<frys::policy::capacity<64>> good;
#endif
