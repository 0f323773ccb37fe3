#include "waits.hpp"
#include "workload.hpp"

#include <frys/queue/mpmc_ring.hpp>

BENCH_MEASURE("frys yields", frys_waits<frys::mpmc_ring<std::uint64_t>, yields>)
