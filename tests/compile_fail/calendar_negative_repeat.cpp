// expect: frys::calendar: policy::repeat_after wants seconds, not less than none
#include <frys/sched/calendar.hpp>

#ifdef WRONG
frys::calendar<frys::policy::repeat_after<-1>> bad;
#else
frys::calendar<frys::policy::repeat_after<0>> good;
#endif
