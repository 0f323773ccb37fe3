#include "sched/adapters/pools.hpp"
#include "workload.hpp"
BENCH_MEASURE("mutex+deque", mutex_pool)
