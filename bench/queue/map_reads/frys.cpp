#include "../adapters/frys_map.hpp"
#include "workload.hpp"

BENCH_MEASURE("frys", frys_map<>)
