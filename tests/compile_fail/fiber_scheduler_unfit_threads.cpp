// expect: frys::fiber_scheduler: policy::threads wants a source of threads, see core/thread.hpp
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber_scheduler<frys::policy::threads<int>> bad;
#else
frys::fiber_scheduler<frys::policy::threads<frys::os_threads>> good;
#endif
