// expect: frys::component_phases: a component has a start that cannot be called: public, with nothing, the set or a phase_token as its argument
#include <frys/sched/components.hpp>

#ifdef WRONG
struct net { void start(int); };
#else
struct net { void start(frys::phase_token); };
#endif

void use(frys::components<net>& all) { frys::component_phases phases(all); }
