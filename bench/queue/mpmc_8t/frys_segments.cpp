#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/segment_queue.hpp>

BENCH_MEASURE("frys segment_queue", frys_queue<frys::segment_queue<std::uint64_t>>)
