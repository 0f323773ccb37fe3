// expect: frys::segment_queue: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/segment_queue.hpp>

#ifdef WRONG
frys::segment_queue<int, frys::policy::atomics<int>> block;
#else
frys::segment_queue<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
