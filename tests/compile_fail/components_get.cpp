// expect: frys::components::get: it is not in the set
#include <frys/sched/components.hpp>

struct net { int n; };
struct store { int n; };
#ifdef WRONG
int bad(frys::components<net>& all) { return all.get<store>().n; }
#else
int good(frys::components<net>& all) { return all.get<net>().n; }
#endif
