// expect: frys::basic_frame_depot: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/frame_cache.hpp>

#ifdef WRONG
frys::basic_frame_depot<frys::policy::atomics<int>> made;
#else
frys::basic_frame_depot<frys::policy::atomics<frys::atomics::real>> made;
#endif
