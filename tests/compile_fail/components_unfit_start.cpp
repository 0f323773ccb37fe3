// expect: frys::components: a component has a start that cannot be called: it is public and takes nothing or the set (one that takes a phase_token is for component_phases)
#include <frys/sched/components.hpp>

struct net { void start(int port); };
#ifdef WRONG
frys::result<void> bad(frys::components<net>& all) { return all.start(); }
#else
struct own { void start(); };
frys::result<void> good(frys::components<own>& all) { return all.start(); }
#endif
