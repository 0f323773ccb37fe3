// expect: frys::heap: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/memory/heap.hpp>

#ifdef WRONG
frys::heap<frys::policy::atomics<int>> block;
#else
frys::heap<frys::policy::atomics<frys::atomics::standard>> block;
#endif
