#include "workload.hpp"
BENCH_LIMIT(atomic_rmw)
BENCH_LIMIT(line_round_trip)
