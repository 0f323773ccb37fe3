// expect: frys::components::config: no component has a config that takes this
#include <frys/sched/components.hpp>

struct port {};
struct net { void config(const port&); };
#ifdef WRONG
frys::result<void> bad(frys::components<net>& all) { return all.config(1.5f); }
#else
frys::result<void> good(frys::components<net>& all) { return all.config(port{}); }
#endif
