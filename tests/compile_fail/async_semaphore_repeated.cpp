// expect: frys::async_semaphore: a policy is given twice; name each at most once
#include <frys/sched/async_semaphore.hpp>

#ifdef WRONG
frys::async_semaphore<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::tsan>> bad(1);
#else
frys::async_semaphore<frys::policy::atomics<frys::atomics::real>> good(1);
#endif
