#include "workload.hpp"
BENCH_LIMIT(dependent_add)
