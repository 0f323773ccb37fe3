#include "../adapters/mutex.hpp"
#include "workload.hpp"

BENCH_MEASURE("mutex+vector", mutex_stack)
