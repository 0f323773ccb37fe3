// expect: frys::channel: unknown policy; it takes policy::capacity, policy::atomics and policy::world
#include <frys/sched/channel.hpp>

#ifdef WRONG
frys::channel<int, frys::policy::limit<8>> bad;
#else
frys::channel<int, frys::policy::capacity<8>> good;
#endif
