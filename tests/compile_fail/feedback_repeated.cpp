// expect: frys::feedback: a policy is given twice; name each at most once
#include <frys/sched/feedback.hpp>

frys::basic_feedback<frys::policy::atomics<frys::atomics::real>
#ifdef WRONG
                     , frys::policy::atomics<frys::atomics::real>
#endif
                     > f(2);
