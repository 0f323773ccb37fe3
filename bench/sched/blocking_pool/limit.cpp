#include "workload.hpp"
BENCH_LIMIT(futex_wake)
