// expect: frys::scheduler: a discipline with one queue for all has no levels; leave policy::levels out
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::levels<2>, frys::policy::discipline<frys::discipline::work_sharing>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::levels<2>, frys::policy::discipline<frys::discipline::shard_per_core>>;
good* of() { return (*good::create()).release(); }
#endif
