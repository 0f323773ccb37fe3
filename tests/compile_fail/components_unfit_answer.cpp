// expect: frys::components: start and config of a component answer nothing or result<void>
#include <frys/sched/components.hpp>

#ifdef WRONG
struct net { bool start(); };
#else
struct net { frys::result<void> start(); };
#endif

frys::result<void> use(frys::components<net>& all) { return all.start(); }
