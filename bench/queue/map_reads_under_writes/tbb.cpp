// link: tbb
#include "../adapters/tbb_map.hpp"
#include "workload.hpp"

BENCH_MEASURE("tbb", tbb_map)
