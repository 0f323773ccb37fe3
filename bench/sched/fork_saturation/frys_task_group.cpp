#include "sched/adapters/frys_groups.hpp"
#include "workload.hpp"
BENCH_MEASURE("frys task_group", frys_groups)
