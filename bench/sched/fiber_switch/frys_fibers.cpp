#include "frys.hpp"

BENCH_CONTENDER("frys fibers") { return switches(settings, &frys_side::yields<frys::fiber_scheduler<>>); }
