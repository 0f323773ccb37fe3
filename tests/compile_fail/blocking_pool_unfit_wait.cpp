// expect: frys::blocking_pool: policy::wait wants a wait policy, see core/wait.hpp
#include <frys/sched/blocking_pool.hpp>

#ifdef WRONG
using bad = frys::blocking_pool<frys::policy::wait<int>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::blocking_pool<frys::policy::wait<frys::wait::yield>>;
good* of() { return (*good::create()).release(); }
#endif
