// expect: frys::stack_pool: policy::pages wants a page source, see core/concepts.hpp
#include <frys/sched/stack_pool.hpp>

#ifdef WRONG
frys::stack_pool<frys::policy::pages<int>> bad;
#else
frys::stack_pool<frys::policy::pages<frys::heap_pages>> good;
#endif
