// expect: frys::timer_wheel: policy::capacity wants a power of two of at least 64 slots
#include <frys/sched/timer_wheel.hpp>

#ifdef WRONG
frys::timer_wheel<frys::policy::capacity<100>> bad;
#else
frys::timer_wheel<frys::policy::capacity<128>> good;
#endif
