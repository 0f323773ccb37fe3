// expect: frys::basic_stop_source: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/cancel.hpp>

#ifdef WRONG
frys::basic_stop_source<frys::policy::chunk_size<8>> made;
#else
frys::basic_stop_source<frys::policy::atomics<frys::atomics::real>> made;
#endif
