// expect: frys::task_group: unknown policy; it takes policy::allocator, policy::threads, policy::atomics and
// policy::world
#include <frys/sched/task_group.hpp>

#ifdef WRONG
using bad = frys::basic_task_group<frys::policy::capacity<8>>;
void of(bad& g) { g.wait(); }
#else
using good = frys::basic_task_group<>;
void of(good& g) { g.wait(); }
#endif
