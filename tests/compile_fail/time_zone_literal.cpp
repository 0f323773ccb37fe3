// expect: tz_error::daylight_saving_needs_its_rule || call to consteval function 'frys::time_zone::time_zone' is not a constant expression
#include <frys/sched/time_zone.hpp>

#ifdef WRONG
frys::time_zone bad("EST5EDT");
#else
frys::time_zone good("EST5EDT,M3.2.0,M11.1.0");
#endif
