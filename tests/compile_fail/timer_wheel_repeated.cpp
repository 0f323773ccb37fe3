// expect: frys::timer_wheel: a policy is given twice; name each at most once
#include <frys/sched/timer_wheel.hpp>

#ifdef WRONG
frys::timer_wheel<frys::policy::capacity<64>, frys::policy::capacity<128>> bad;
#else
frys::timer_wheel<frys::policy::capacity<64>> good;
#endif
