#include "workload.hpp"
BENCH_LIMIT(atomic_rmw)
