#include "../chase_lev.hpp"
#include "../adapters/stealing.hpp"
#include "workload.hpp"

BENCH_MEASURE("chase-lev", bare_deque<chase_lev>)
