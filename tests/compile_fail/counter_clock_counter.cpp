// expect: frys::counter_clock<Counter>: Counter wants is_present, ticks(), ordered_ticks() and is_usable()
#include <frys/core/tsc_clock.hpp>

#ifdef WRONG
frys::counter_clock<int> bad;
#else
frys::counter_clock<frys::cycle_counter> good;
#endif
