// expect: frys::parker: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/core/parker.hpp>

#ifdef WRONG
frys::parker<frys::policy::atomics<int>> bad;
#else
frys::parker<frys::policy::atomics<frys::atomics::tsan>> good;
#endif
