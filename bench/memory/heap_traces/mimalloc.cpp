#include "workload.hpp"

BENCH_HEAP("mimalloc", mimalloc_heap)
