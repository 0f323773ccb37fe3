// expect: frys::basic_stop_source: a policy is given twice; name each at most once
#include <frys/sched/cancel.hpp>

#ifdef WRONG
frys::basic_stop_source<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>> made;
#else
frys::basic_stop_source<frys::policy::atomics<frys::atomics::real>> made;
#endif
