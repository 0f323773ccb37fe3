// link: tbb
#include "sched/adapters/tbb.hpp"
#include "workload.hpp"
BENCH_MEASURE("tbb", tbb_crew)
