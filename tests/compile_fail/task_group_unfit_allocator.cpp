// expect: frys::task_group: policy::allocator wants one without objects, see core/concepts.hpp
#include <frys/sched/task_group.hpp>

#ifdef WRONG
using bad = frys::basic_task_group<frys::policy::allocator<int>>;
void of(bad& g) { g.wait(); }
#else
using good = frys::basic_task_group<frys::policy::allocator<frys::process_heap>>;
void of(good& g) { g.wait(); }
#endif
