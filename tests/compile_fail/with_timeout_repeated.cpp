// expect: frys::with_timeout: a policy is given twice; name each at most once
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>

struct timers {
  frys::task<> sleep_until(frys::deadline);
};
frys::task<int> one();
#ifdef WRONG
void body(timers& t) {
  (void)frys::with_timeout<frys::policy::atomics<frys::atomics::real>, frys::policy::atomics<frys::atomics::real>>(
      t, one(), frys::deadline::never());
}
#else
void body(timers& t) {
  (void)frys::with_timeout<frys::policy::atomics<frys::atomics::real>>(t, one(), frys::deadline::never());
}
#endif
