// expect: frys::channel: a policy is given twice; name each at most once
#include <frys/sched/channel.hpp>

#ifdef WRONG
frys::channel<int, frys::policy::capacity<8>, frys::policy::capacity<9>> bad;
#else
frys::channel<int, frys::policy::capacity<9>> good;
#endif
