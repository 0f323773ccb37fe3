// expect: frys::basic_counter: a policy is given twice
#include <frys/core/counter.hpp>

#ifdef WRONG
frys::basic_counter<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::tsan>> bad;
#else
frys::basic_counter<frys::policy::atomics<frys::atomics::real>> good;
#endif
