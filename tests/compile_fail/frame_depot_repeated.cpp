// expect: frys::basic_frame_depot: a policy is given twice; name each at most once
#include <frys/sched/frame_cache.hpp>

#ifdef WRONG
frys::basic_frame_depot<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>> made;
#else
frys::basic_frame_depot<frys::policy::atomics<frys::atomics::real>> made;
#endif
