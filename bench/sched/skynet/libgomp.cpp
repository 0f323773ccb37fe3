// openmp
#include "sched/adapters/openmp.hpp"
#include "workload.hpp"
BENCH_MEASURE("libgomp", openmp_crew)
