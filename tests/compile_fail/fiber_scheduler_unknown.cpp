// expect: frys::fiber_scheduler: unknown policy; it takes
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber_scheduler<frys::policy::capacity<8>> bad;
#else
frys::fiber_scheduler<frys::policy::guard_pages<false>> good;
#endif
