// expect: frys::task_group: policy::threads wants a source of threads, see core/thread.hpp
#include <frys/sched/task_group.hpp>

#ifdef WRONG
using bad = frys::basic_task_group<frys::policy::threads<int>>;
void of(bad& g) { g.wait(); }
#else
using good = frys::basic_task_group<frys::policy::threads<frys::os_threads>>;
void of(good& g) { g.wait(); }
#endif
