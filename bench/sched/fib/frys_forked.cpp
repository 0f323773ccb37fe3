#include "sched/adapters/frys_forked.hpp"
#include "workload.hpp"
BENCH_MEASURE("frys forked", frys_forked)
