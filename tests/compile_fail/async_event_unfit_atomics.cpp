// expect: frys::async_event: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/async_event.hpp>

#ifdef WRONG
frys::async_event<frys::policy::atomics<int>> bad;
#else
frys::async_event<frys::policy::atomics<frys::atomics::tsan>> good;
#endif
