// expect: frys::eventcount: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/core/eventcount.hpp>

#ifdef WRONG
frys::eventcount<frys::policy::atomics<int>> bad;
#else
frys::eventcount<frys::policy::atomics<frys::atomics::tsan>> good;
#endif
