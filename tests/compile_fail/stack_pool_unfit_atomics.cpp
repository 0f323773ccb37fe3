// expect: frys::stack_pool: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/stack_pool.hpp>

#ifdef WRONG
frys::stack_pool<frys::policy::atomics<int>> bad;
#else
frys::stack_pool<frys::policy::atomics<frys::atomics::tsan>> good;
#endif
