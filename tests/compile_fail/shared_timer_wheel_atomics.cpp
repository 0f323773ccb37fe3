// expect: frys::shared_timer_wheel: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/shared_timer_wheel.hpp>

#ifdef WRONG
frys::shared_timer_wheel<frys::policy::atomics<int>> bad;
#else
frys::shared_timer_wheel<frys::policy::capacity<64>> good;
#endif
