#include "../adapters/stealing.hpp"
#include "workload.hpp"

#include <frys/queue/stealing_deque.hpp>

BENCH_MEASURE("frys", frys_deque<frys::stealing_deque<std::uint64_t>>)
