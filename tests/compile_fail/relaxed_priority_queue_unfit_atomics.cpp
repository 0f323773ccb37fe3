// expect: frys::relaxed_priority_queue: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/relaxed_priority_queue.hpp>

#ifdef WRONG
frys::relaxed_priority_queue<int, frys::policy::atomics<int>> block;
#else
frys::relaxed_priority_queue<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
