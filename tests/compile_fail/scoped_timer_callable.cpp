// expect: frys::scoped_timer: the callable must move without throwing and take no arguments
#include <frys/sched/timer_wheel.hpp>

#ifdef WRONG
using bad = frys::scoped_timer<frys::timer_wheel<>, void (*)(int)>;
bad* t = nullptr;
bool pending() { return t->is_pending(); }
#else
using good = frys::scoped_timer<frys::timer_wheel<>, void (*)()>;
good* t = nullptr;
bool pending() { return t->is_pending(); }
#endif
