// expect: frys::feedback: policy::atomics wants an atomics model, see core/atomics.hpp
#include <frys/sched/feedback.hpp>

#ifdef WRONG
using model = int;
#else
using model = frys::atomics::real;
#endif
frys::basic_feedback<frys::policy::atomics<model>> f(2);
