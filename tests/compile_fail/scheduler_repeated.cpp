// expect: frys::scheduler: a policy is given twice; name each at most once
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::levels<2>, frys::policy::levels<3>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::levels<2>>;
good* of() { return (*good::create()).release(); }
#endif
