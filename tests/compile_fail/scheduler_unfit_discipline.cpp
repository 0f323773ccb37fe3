// expect: frys::scheduler: policy::discipline wants one of frys::discipline, see sched/discipline.hpp
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::discipline<frys::promotion::eager>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::discipline<frys::discipline::work_sharing>>;
good* of() { return (*good::create()).release(); }
#endif
