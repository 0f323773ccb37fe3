#include "sched/adapters/pool_frys.hpp"
#include "workload.hpp"
BENCH_MEASURE("frys", frys_pool)
