// expect: frys::scheduler: policy::clock wants a type with a static now() in nanoseconds
#include <frys/sched/scheduler.hpp>

#ifdef WRONG
using bad = frys::scheduler<frys::policy::clock<frys::wait::spin>>;
bad* of() { return (*bad::create()).release(); }
#else
using good = frys::scheduler<frys::policy::clock<frys::clocks::coarse>>;
good* of() { return (*good::create()).release(); }
#endif
