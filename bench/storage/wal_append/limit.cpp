#include "workload.hpp"
BENCH_LIMIT(pwrite_fdatasync)
BENCH_LIMIT(getppid_call)
