// expect: frys::blocking_pool: a policy is given twice; name each at most once
#include <frys/sched/blocking_pool.hpp>

#ifdef WRONG
using bad = frys::blocking_pool<frys::policy::wait<frys::wait::park>, frys::policy::wait<frys::wait::park>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::blocking_pool<frys::policy::wait<frys::wait::park>>;
good* of() { return (*good::create()).release(); }
#endif
