// expect: frys::async_latch: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/async_latch.hpp>

#ifdef WRONG
frys::async_latch<frys::policy::atomics<int>> bad(1);
#else
frys::async_latch<frys::policy::atomics<frys::atomics::tsan>> good(1);
#endif
