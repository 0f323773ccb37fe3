// expect: frys::async_mutex: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/async_mutex.hpp>

#ifdef WRONG
frys::async_mutex<frys::policy::capacity<8>> bad;
#else
frys::async_mutex<> good;
#endif
