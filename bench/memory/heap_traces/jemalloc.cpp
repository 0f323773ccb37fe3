#include "workload.hpp"

BENCH_HEAP("jemalloc", jemalloc_heap)
