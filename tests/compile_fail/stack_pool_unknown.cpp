// expect: frys::stack_pool: unknown policy; it takes
#include <frys/sched/stack_pool.hpp>

#ifdef WRONG
frys::stack_pool<frys::policy::capacity<8>> bad;
#else
frys::stack_pool<frys::policy::guard_pages<false>> good;
#endif
