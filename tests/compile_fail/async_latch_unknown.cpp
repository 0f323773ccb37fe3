// expect: frys::async_latch: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/async_latch.hpp>

#ifdef WRONG
frys::async_latch<frys::policy::capacity<8>> bad(1);
#else
frys::async_latch<> good(1);
#endif
