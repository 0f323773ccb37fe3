// expect: frys::counter_clock: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/core/tsc_clock.hpp>

#ifdef WRONG
frys::counter_clock<frys::cycle_counter, frys::policy::atomics<int>> bad;
#else
frys::counter_clock<frys::cycle_counter> good;
#endif
