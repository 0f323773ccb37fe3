#include "../adapters/moodycamel_spsc.hpp"
#include "workload.hpp"

BENCH_MEASURE("moodycamel", moodycamel_spsc)
