// expect: frys::blocking_pool: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/blocking_pool.hpp>

#ifdef WRONG
using bad = frys::blocking_pool<frys::policy::atomics<int>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::blocking_pool<frys::policy::atomics<frys::atomics::tsan>>;
good* of() { return (*good::create()).release(); }
#endif
