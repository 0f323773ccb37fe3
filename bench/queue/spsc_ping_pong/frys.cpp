#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/spsc_ring.hpp>

BENCH_MEASURE("frys", frys_queue<frys::spsc_ring<std::uint64_t>>)
