// expect: frys::components: a component stands twice in the set
#include <frys/sched/components.hpp>

struct net {};
#ifdef WRONG
frys::components<net, net> bad;
#else
frys::components<net> good;
#endif
