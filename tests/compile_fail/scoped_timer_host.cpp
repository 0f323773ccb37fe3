// expect: frys::scoped_timer: the host wants add and cancel as timer_wheel has them
#include <frys/sched/timer_wheel.hpp>

struct nothing {};
#ifdef WRONG
using bad = frys::scoped_timer<nothing, void (*)()>;
bad* t = nullptr;
bool pending() { return t->is_pending(); }
#else
using good = frys::scoped_timer<frys::timer_wheel<>, void (*)()>;
good* t = nullptr;
bool pending() { return t->is_pending(); }
#endif
