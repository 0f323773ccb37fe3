// expect: frys::basic_histogram: unknown policy
#include <frys/core/counter.hpp>
#include <frys/core/wait.hpp>

#ifdef WRONG
frys::basic_histogram<frys::policy::wait<frys::wait::spin>> bad;
#else
frys::basic_histogram<> good;
#endif
