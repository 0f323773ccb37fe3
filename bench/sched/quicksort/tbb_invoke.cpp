// link: tbb
#include "sched/adapters/tbb.hpp"
#include "workload.hpp"
BENCH_MEASURE("tbb invoke", tbb_invoke)
