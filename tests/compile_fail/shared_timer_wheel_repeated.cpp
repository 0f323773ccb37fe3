// expect: frys::shared_timer_wheel: a policy is given twice; name each at most once
#include <frys/sched/shared_timer_wheel.hpp>

#ifdef WRONG
frys::shared_timer_wheel<frys::policy::capacity<64>, frys::policy::capacity<128>> bad;
#else
frys::shared_timer_wheel<frys::policy::capacity<64>> good;
#endif
