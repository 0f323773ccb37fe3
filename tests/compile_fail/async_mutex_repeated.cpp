// expect: frys::async_mutex: a policy is given twice; name each at most once
#include <frys/sched/async_mutex.hpp>

#ifdef WRONG
frys::async_mutex<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::tsan>> bad;
#else
frys::async_mutex<frys::policy::atomics<frys::atomics::real>> good;
#endif
