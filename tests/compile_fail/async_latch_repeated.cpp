// expect: frys::async_latch: a policy is given twice; name each at most once
#include <frys/sched/async_latch.hpp>

#ifdef WRONG
frys::async_latch<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::tsan>> bad(1);
#else
frys::async_latch<frys::policy::atomics<frys::atomics::real>> good(1);
#endif
