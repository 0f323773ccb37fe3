// expect: frys::blocking_pool: unknown policy; it takes
#include <frys/sched/blocking_pool.hpp>

#ifdef WRONG
using bad = frys::blocking_pool<frys::policy::capacity<8>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::blocking_pool<frys::policy::wait<frys::wait::park>>;
good* of() { return (*good::create()).release(); }
#endif
