// expect: frys::fiber_scheduler: policy::wait wants a wait policy, see core/wait.hpp
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber_scheduler<frys::policy::wait<int>> bad;
#else
frys::fiber_scheduler<frys::policy::wait<frys::wait::yield>> good;
#endif
