// expect: frys::counter_clock: a policy is given twice; name each at most once
#include <frys/core/tsc_clock.hpp>

#ifdef WRONG
frys::counter_clock<frys::cycle_counter, frys::policy::clock<frys::clocks::steady>,
                    frys::policy::clock<frys::clocks::coarse>>
    bad;
#else
frys::counter_clock<frys::cycle_counter> good;
#endif
