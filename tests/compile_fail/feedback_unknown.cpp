// expect: frys::feedback: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/feedback.hpp>

frys::basic_feedback<
#ifdef WRONG
    frys::policy::capacity<2>
#endif
    > f(2);
