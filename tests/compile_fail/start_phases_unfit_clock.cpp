// expect: frys::start_phases: policy::clock wants a type with a static now() in nanoseconds
#include <frys/sched/start_phases.hpp>

#ifdef WRONG
frys::start_phases<frys::policy::clock<int>> bad;
#else
frys::start_phases<frys::policy::clock<frys::clocks::coarse>> good;
#endif
