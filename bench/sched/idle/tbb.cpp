// link: tbb
#include "sched/adapters/pool_tbb.hpp"
#include "workload.hpp"
BENCH_MEASURE("tbb", tbb_pool)
