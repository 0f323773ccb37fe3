// expect: frys::calendar: a policy is given twice; name each at most once
#include <frys/sched/calendar.hpp>

#ifdef WRONG
frys::calendar<frys::policy::repeat_after<1>, frys::policy::repeat_after<2>> bad;
#else
frys::calendar<frys::policy::repeat_after<1>> good;
#endif
