#include <shared_mutex>

#include "workload.hpp"

BENCH_CONTENDER("std::shared_mutex") { return measure<std::shared_mutex>(settings); }
