#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/bag.hpp>

BENCH_MEASURE("frys bag", frys_handles<frys::bag<std::uint64_t>>)
