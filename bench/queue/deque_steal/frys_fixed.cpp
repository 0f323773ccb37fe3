#include "../adapters/stealing.hpp"
#include "workload.hpp"

#include <frys/queue/stealing_deque.hpp>

BENCH_MEASURE("frys fixed", frys_deque<frys::stealing_deque<std::uint64_t, frys::policy::capacity<1024>>>)
