#include "workload.hpp"
BENCH_LIMIT(line_round_trip)
BENCH_LIMIT(atomic_rmw)
