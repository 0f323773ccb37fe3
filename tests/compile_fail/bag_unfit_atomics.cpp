// expect: frys::bag: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/bag.hpp>

#ifdef WRONG
frys::bag<int, frys::policy::atomics<int>> block;
#else
frys::bag<int, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
