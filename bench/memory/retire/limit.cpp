#include "workload.hpp"
BENCH_LIMIT(getppid_call)
BENCH_LIMIT(atomic_rmw)
