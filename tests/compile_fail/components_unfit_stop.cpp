// expect: frys::components: a component has a stop that cannot be called: it is public and takes nothing
#include <frys/sched/components.hpp>

#ifdef WRONG
class net { void stop(); };
#else
struct net { void stop(); };
#endif

void use(frys::components<net>& all) { all.stop(); }
