// expect: frys::scheduler: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::atomics<int>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::atomics<frys::atomics::tsan>>;
good* of() { return (*good::create()).release(); }
#endif
