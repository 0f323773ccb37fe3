#include "workload.hpp"

BENCH_HEAP("glibc", glibc_heap)
