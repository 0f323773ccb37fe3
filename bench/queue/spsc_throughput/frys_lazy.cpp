#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/spsc_ring.hpp>

BENCH_MEASURE("frys high_throughput", frys_queue<frys::high_throughput_ring<std::uint64_t>>)
