#include "../adapters/moodycamel.hpp"
#include "workload.hpp"

BENCH_MEASURE("moodycamel", moodycamel_queue)
