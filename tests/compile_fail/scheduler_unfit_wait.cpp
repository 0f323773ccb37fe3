// expect: frys::scheduler: policy::wait wants a wait policy, see core/wait.hpp
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::wait<frys::clocks::steady>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::wait<frys::wait::yield>>;
good* of() { return (*good::create()).release(); }
#endif
