#include "sched/adapters/frys.hpp"
#include "workload.hpp"
BENCH_MEASURE("frys", frys_crew)
