#include "workload.hpp"
BENCH_LIMIT(dependent_add)
BENCH_LIMIT(atomic_rmw)
