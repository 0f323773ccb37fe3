#include "../adapters/stealing.hpp"
#include "../mutex_deque.hpp"
#include "workload.hpp"

BENCH_MEASURE("mutex+deque", bare_deque<mutex_deque>)
