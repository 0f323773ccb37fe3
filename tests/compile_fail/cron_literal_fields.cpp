// expect: cron_error::there_are_5_fields_or_6_with_seconds_first || call to consteval function 'frys::cron::cron' is not a constant expression
#include <frys/sched/cron.hpp>

#ifdef WRONG
frys::cron bad = "2 * * *";
#else
frys::cron good = "0 2 * * *";
#endif
