// expect: frys::basic_histogram: a policy is given twice
#include <frys/core/counter.hpp>

#ifdef WRONG
frys::basic_histogram<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::tsan>> bad;
#else
frys::basic_histogram<frys::policy::atomics<frys::atomics::real>> good;
#endif
