// expect: frys::blocking_pool: policy::threads wants a source of threads, see core/thread.hpp
#include <frys/sched/blocking_pool.hpp>

#ifdef WRONG
using bad = frys::blocking_pool<frys::policy::threads<int>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::blocking_pool<frys::policy::threads<frys::os_threads>>;
good* of() { return (*good::create()).release(); }
#endif
