// expect: frys::lanes: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/queue/lanes.hpp>

#ifdef WRONG
frys::lanes<int, 2, frys::policy::atomics<int>> block;
#else
frys::lanes<int, 2, frys::policy::atomics<frys::atomics::tsan>> block;
#endif
