#include "sched/adapters/pool_asio.hpp"
#include "workload.hpp"
BENCH_MEASURE("boost::asio", asio_pool)
