// expect: frys::components: a component is a class, not a reference to one
#include <frys/sched/components.hpp>

struct net {};
#ifdef WRONG
void use(frys::components<int>& bad) { bad.stop(); }
#else
void use(frys::components<net>& good) { good.stop(); }
#endif
