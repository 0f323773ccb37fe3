// expect: frys::stack_pool: a policy is given twice; name each at most once
#include <frys/sched/stack_pool.hpp>

#ifdef WRONG
frys::stack_pool<frys::policy::guard_pages<false>, frys::policy::guard_pages<false>> bad;
#else
frys::stack_pool<frys::policy::guard_pages<false>> good;
#endif
