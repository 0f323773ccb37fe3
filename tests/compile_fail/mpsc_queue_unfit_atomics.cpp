// expect: frys::mpsc_queue: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/mpsc_queue.hpp>

#ifdef WRONG
frys::mpsc_queue<int, frys::policy::atomics<int>> block;
#else
frys::mpsc_queue<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
