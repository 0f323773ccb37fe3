// expect: frys::async_event: a policy is given twice; name each at most once
#include <frys/sched/async_event.hpp>

#ifdef WRONG
frys::async_event<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::tsan>> bad;
#else
frys::async_event<frys::policy::atomics<frys::atomics::real>> good;
#endif
