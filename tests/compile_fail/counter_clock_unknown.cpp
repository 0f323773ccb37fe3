// expect: frys::counter_clock: unknown policy; it takes policy::atomics, policy::clock and policy::world
#include <frys/core/tsc_clock.hpp>

#ifdef WRONG
frys::counter_clock<frys::cycle_counter, int> bad;
#else
frys::counter_clock<frys::cycle_counter> good;
#endif
