#include "../adapters/frys.hpp"
#include "workload.hpp"

#include <frys/queue/bag.hpp>

BENCH_MEASURE("frys one by one", frys_handles<frys::bag<std::uint64_t, frys::policy::portion<1>>>)
