// expect: frys::components: a component comes after one that is not in the set
#include <frys/sched/components.hpp>

struct store {};
struct net { using after = frys::after<store>; };
#ifdef WRONG
frys::components<net> bad;
#else
frys::components<net, store> good;
#endif
