// expect: frys::async_mutex: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/async_mutex.hpp>

#ifdef WRONG
frys::async_mutex<frys::policy::atomics<int>> bad;
#else
frys::async_mutex<frys::policy::atomics<frys::atomics::tsan>> good;
#endif
