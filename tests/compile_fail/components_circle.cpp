// expect: frys::components: components come after each other in a circle
#include <frys/sched/components.hpp>

#ifdef WRONG
struct chicken { using after = frys::after<struct egg>; };
struct egg { using after = frys::after<chicken>; };
frys::components<egg, chicken> bad;
#else
struct egg {};
struct chicken { using after = frys::after<egg>; };
frys::components<chicken, egg> good;
#endif
