#include "../adapters/mutex.hpp"
#include "workload.hpp"

BENCH_MEASURE("mutex+deque", mutex_queue<1024>)
