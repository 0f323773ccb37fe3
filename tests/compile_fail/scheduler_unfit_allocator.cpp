// expect: frys::scheduler: policy::allocator wants one without objects, see core/concepts.hpp
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::allocator<int>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::allocator<frys::process_heap>>;
good* of() { return (*good::create()).release(); }
#endif
