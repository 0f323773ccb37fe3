// expect: frys::fiber_scheduler: policy::clock wants a type with a static now() in nanoseconds
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber_scheduler<frys::policy::clock<int>> bad;
#else
frys::fiber_scheduler<frys::policy::clock<frys::clocks::coarse>> good;
#endif
