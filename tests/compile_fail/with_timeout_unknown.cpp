// expect: frys::with_timeout: unknown policy; it takes policy::atomics and policy::world
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>

struct timers {
  frys::task<> sleep_until(frys::deadline);
};
frys::task<int> one();
#ifdef WRONG
void body(timers& t) { (void)frys::with_timeout<frys::policy::chunk_size<8>>(t, one(), frys::deadline::never()); }
#else
void body(timers& t) {
  (void)frys::with_timeout<frys::policy::atomics<frys::atomics::real>>(t, one(), frys::deadline::never());
}
#endif
