// expect: frys::blocking_pool: policy::clock wants a type with a static now() in nanoseconds
#include <frys/sched/blocking_pool.hpp>

#ifdef WRONG
using bad = frys::blocking_pool<frys::policy::clock<int>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::blocking_pool<frys::policy::clock<frys::clocks::coarse>>;
good* of() { return (*good::create()).release(); }
#endif
