// expect: call to non-'constexpr' function 'const char* text()' || call to consteval function 'frys::cron::cron' is not a constant expression
#include <frys/sched/cron.hpp>

const char* text();
#ifdef WRONG
frys::cron from() { return frys::cron(text()); }
#else
frys::result<frys::cron> from() { return frys::cron::parse(text()); }
#endif
