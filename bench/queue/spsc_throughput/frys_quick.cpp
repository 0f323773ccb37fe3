#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/spsc_ring.hpp>

BENCH_MEASURE("frys low_latency", frys_queue<frys::low_latency_ring<std::uint64_t, std::uint64_t{0}>>)
