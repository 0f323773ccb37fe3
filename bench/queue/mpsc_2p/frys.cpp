#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/mpsc_queue.hpp>

BENCH_MEASURE("frys", frys_queue<frys::mpsc_queue<std::uint64_t>>)
