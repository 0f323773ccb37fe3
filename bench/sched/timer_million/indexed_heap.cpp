#include "../indexed_heap.hpp"

#include "workload.hpp"

BENCH_CONTENDER("mutex+indexed heap") { return million<indexed_heap>(settings); }
