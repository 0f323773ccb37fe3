#include "../adapters/boost.hpp"
#include "workload.hpp"

BENCH_MEASURE("boost::lockfree", boost_unbounded)
