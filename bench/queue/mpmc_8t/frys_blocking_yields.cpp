#include "waits.hpp"
#include "workload.hpp"

#include <frys/queue/blocking.hpp>
#include <frys/queue/mpmc_ring.hpp>

BENCH_MEASURE("frys blocking yields",
              frys_blocks<frys::blocking<frys::mpmc_ring<std::uint64_t>, frys::policy::wait<frys::wait::yield>>>)
