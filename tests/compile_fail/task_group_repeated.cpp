// expect: frys::task_group: a policy is given twice; name each at most once
#include <frys/sched/task_group.hpp>

#ifdef WRONG
using bad = frys::basic_task_group<frys::policy::threads<frys::os_threads>, frys::policy::threads<frys::os_threads>>;
void of(bad& g) { g.wait(); }
#else
using good = frys::basic_task_group<frys::policy::threads<frys::os_threads>>;
void of(good& g) { g.wait(); }
#endif
