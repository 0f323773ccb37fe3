// expect: cron_error::a_minute_is_0_to_59 || call to consteval function 'frys::cron::cron' is not a constant expression
#include <frys/sched/cron.hpp>

#ifdef WRONG
frys::cron bad = "60 2 * * *";
#else
frys::cron good = "59 2 * * *";
#endif
