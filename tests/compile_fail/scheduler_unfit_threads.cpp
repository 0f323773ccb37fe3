// expect: frys::scheduler: policy::threads wants a source of threads, see core/thread.hpp
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::threads<int>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::threads<frys::os_threads>>;
good* of() { return (*good::create()).release(); }
#endif
