// expect: frys::component_phases: a component has a stop that cannot be called: public, without arguments or with a phase_token
#include <frys/sched/components.hpp>

#ifdef WRONG
struct net { void stop(int); };
#else
struct net { void stop(frys::phase_token); };
#endif

void use(frys::components<net>& all) { frys::component_phases phases(all); }
