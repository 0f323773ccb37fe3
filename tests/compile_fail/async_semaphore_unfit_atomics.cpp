// expect: frys::async_semaphore: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/async_semaphore.hpp>

#ifdef WRONG
frys::async_semaphore<frys::policy::atomics<int>> bad(1);
#else
frys::async_semaphore<frys::policy::atomics<frys::atomics::tsan>> good(1);
#endif
