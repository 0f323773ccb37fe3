#include "ring.hpp"

#include <frys/queue/spsc_ring.hpp>

BENCH_CONTENDER("frys spsc_ring") { return measure<frys_stream<frys::spsc_ring<std::uint64_t>>>(settings); }
