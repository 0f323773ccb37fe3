// expect: frys::from_callback: a policy is given twice; name each at most once
#include <frys/sched/from_callback.hpp>

#ifdef WRONG
void body() {
  (void)
      frys::from_callback<int, frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>>(
          [](frys::callback<int> done) { done(1); });
}
#else
void body() {
  (void)frys::from_callback<int, frys::policy::atomics<frys::atomics::real>>([](frys::callback<int> done) { done(1); });
}
#endif
