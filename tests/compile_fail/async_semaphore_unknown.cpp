// expect: frys::async_semaphore: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/async_semaphore.hpp>

#ifdef WRONG
frys::async_semaphore<frys::policy::capacity<8>> bad(1);
#else
frys::async_semaphore<> good(1);
#endif
