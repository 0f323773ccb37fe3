// expect: frys::counter_clock: policy::clock wants a type with a static now() in nanoseconds
#include <frys/core/tsc_clock.hpp>

#ifdef WRONG
frys::counter_clock<frys::cycle_counter, frys::policy::clock<int>> bad;
#else
frys::counter_clock<frys::cycle_counter> good;
#endif
