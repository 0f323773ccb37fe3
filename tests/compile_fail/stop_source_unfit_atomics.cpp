// expect: frys::basic_stop_source: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/cancel.hpp>

#ifdef WRONG
frys::basic_stop_source<frys::policy::atomics<int>> made;
#else
frys::basic_stop_source<frys::policy::atomics<frys::atomics::real>> made;
#endif
