// expect: frys::abandon_after: the sleep of this source is not withdrawn_by_destruction: it may end on another thread;
// take with_timeout
#include <frys/sched/task.hpp>
#include <frys/sched/timeout.hpp>

struct timers {
  frys::task<> sleep_until(frys::deadline);
};
frys::task<int> one();
#ifdef WRONG
void body(timers& t) { (void)frys::abandon_after(t, one(), frys::deadline::never()); }
#else
void body(timers& t) { (void)frys::with_timeout(t, one(), frys::deadline::never()); }
#endif
