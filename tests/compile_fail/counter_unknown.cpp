// expect: frys::basic_counter: unknown policy
#include <frys/core/counter.hpp>
#include <frys/core/wait.hpp>

#ifdef WRONG
frys::basic_counter<frys::policy::wait<frys::wait::spin>> bad;
#else
frys::basic_counter<> good;
#endif
