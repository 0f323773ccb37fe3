// expect: frys::fiber_scheduler: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/fiber.hpp>

#ifdef WRONG
frys::fiber_scheduler<frys::policy::atomics<int>> bad;
#else
frys::fiber_scheduler<frys::policy::atomics<frys::atomics::tsan>> good;
#endif
