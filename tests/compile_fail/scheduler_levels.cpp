// expect: frys::scheduler: policy::levels is from 1 to 16
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::levels<17>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::levels<16>>;
good* of() { return (*good::create()).release(); }
#endif
