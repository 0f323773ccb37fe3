// expect: frys::task_group: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/task_group.hpp>

#ifdef WRONG
using bad = frys::basic_task_group<frys::policy::atomics<int>>;
void of(bad& g) { g.wait(); }
#else
using good = frys::basic_task_group<frys::policy::atomics<frys::atomics::tsan>>;
void of(good& g) { g.wait(); }
#endif
