#include "workload.hpp"

BENCH_HEAP("tcmalloc", tcmalloc_heap)
