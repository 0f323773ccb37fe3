// expect: frys::async_event: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/async_event.hpp>

#ifdef WRONG
frys::async_event<frys::policy::capacity<8>> bad;
#else
frys::async_event<> good;
#endif
