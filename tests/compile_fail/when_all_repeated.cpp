// expect: frys::when_all: a policy is given twice; name each at most once
#include <frys/sched/task.hpp>
#include <frys/sched/when_all.hpp>

frys::task<int> one();
#ifdef WRONG
void body() {
  (void)frys::when_all<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>>(one());
}
#else
void body() { (void)frys::when_all<frys::policy::atomics<frys::atomics::real>>(one()); }
#endif
