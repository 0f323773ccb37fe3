// expect: frys::scheduled: the callable takes nothing, or the job as calendar_job&
#include <frys/sched/calendar.hpp>

#ifdef WRONG
frys::scheduled bad([](int) {});
#else
frys::scheduled good([] {});
#endif
