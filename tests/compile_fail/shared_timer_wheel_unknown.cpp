// expect: frys::shared_timer_wheel: unknown policy; it takes policy::atomics, policy::capacity, policy::clock
#include <frys/sched/shared_timer_wheel.hpp>

#ifdef WRONG
frys::shared_timer_wheel<int> bad;
#else
frys::shared_timer_wheel<frys::policy::capacity<64>> good;
#endif
