// expect: frys::stealing_deque: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/stealing_deque.hpp>

#ifdef WRONG
frys::stealing_deque<int, frys::policy::atomics<int>> block;
#else
frys::stealing_deque<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
