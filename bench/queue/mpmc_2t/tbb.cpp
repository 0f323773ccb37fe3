// link: tbb
#include "../adapters/tbb.hpp"
#include "workload.hpp"

BENCH_MEASURE("tbb", tbb_bounded)
