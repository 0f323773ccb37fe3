// expect: frys::heap: a policy is given twice; name each at most once
#include <frys/memory/heap.hpp>

#ifdef WRONG
frys::heap<frys::policy::idle<1>, frys::policy::idle<2>> block;
#else
frys::heap<frys::policy::idle<1>> block;
#endif
