// expect: frys::scheduler: policy::promotion wants one of frys::promotion, see sched/discipline.hpp
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::promotion<frys::discipline::deadline>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::promotion<frys::promotion::eager>>;
good* of() { return (*good::create()).release(); }
#endif
