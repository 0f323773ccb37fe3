#include "../adapters/frys_map.hpp"
#include "workload.hpp"

BENCH_MEASURE("frys, entries allocated", frys_map<boxed>)
