#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/spsc_ring.hpp>

BENCH_MEASURE("frys niche", frys_queue<frys::spsc_ring<std::uint64_t, frys::policy::niche<std::uint64_t{0}>>>)
