#include "../adapters/frys_heap.hpp"
#include "workload.hpp"

BENCH_HEAP("frys", frys_heap)
