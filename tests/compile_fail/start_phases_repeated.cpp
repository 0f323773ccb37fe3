// expect: frys::start_phases: a policy is given twice; name each at most once
#include <frys/sched/start_phases.hpp>

#ifdef WRONG
frys::start_phases<frys::policy::clock<frys::clocks::coarse>, frys::policy::clock<frys::clocks::steady>> bad;
#else
frys::start_phases<frys::policy::clock<frys::clocks::coarse>> good;
#endif
