#include "../adapters/moodycamel.hpp"
#include "workload.hpp"

BENCH_MEASURE("moodycamel tokens", moodycamel_tokens)
