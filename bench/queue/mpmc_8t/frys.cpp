#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/mpmc_ring.hpp>

BENCH_MEASURE("frys", frys_queue<frys::mpmc_ring<std::uint64_t>>)
