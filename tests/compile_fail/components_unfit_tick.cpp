// expect: frys::components: a component has a tick that cannot be called: it is public and takes nothing or nanoseconds
#include <frys/sched/components.hpp>

#ifdef WRONG
struct net { void tick(frys::nanoseconds now, int n); };
#else
struct net { void tick(frys::nanoseconds now); };
#endif

void use(frys::components<net>& all) { all.tick({}); }
