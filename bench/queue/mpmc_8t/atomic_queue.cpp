#include "../adapters/atomic_queue.hpp"
#include "workload.hpp"

BENCH_MEASURE("atomic_queue", atomic_queue_mpmc)
