// expect: frys::start_phases: unknown policy; it takes policy::clock and policy::world
#include <frys/sched/start_phases.hpp>

#ifdef WRONG
frys::start_phases<frys::policy::capacity<8>> bad;
#else
frys::start_phases<> good;
#endif
