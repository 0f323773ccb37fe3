// expect: frys::basic_frame_depot: unknown policy; it takes policy::limit, policy::atomics and policy::world
#include <frys/sched/frame_cache.hpp>

#ifdef WRONG
frys::basic_frame_depot<frys::policy::chunk_size<8>> made;
#else
frys::basic_frame_depot<frys::policy::atomics<frys::atomics::real>> made;
#endif
