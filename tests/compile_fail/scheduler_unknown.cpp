// expect: frys::scheduler: unknown policy; it takes policy::discipline, policy::levels, policy::aging, policy::promotion, policy::wait, policy::clock, policy::threads, policy::allocator, policy::trace, policy::atomics and policy::world
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::capacity<8>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<>;
good* of() { return (*good::create()).release(); }
#endif
