// expect: frys::fiber_scheduler: a policy is given twice; name each at most once
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber_scheduler<frys::policy::guard_pages<false>, frys::policy::guard_pages<false>> bad;
#else
frys::fiber_scheduler<frys::policy::guard_pages<false>> good;
#endif
