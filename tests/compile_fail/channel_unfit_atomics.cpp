// expect: frys::channel: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/channel.hpp>

#ifdef WRONG
frys::channel<int, frys::policy::atomics<int>> bad;
#else
frys::channel<int, frys::policy::atomics<frys::atomics::tsan>> good;
#endif
