#include <mutex>

#include "workload.hpp"

BENCH_CONTENDER("std::mutex") { return measure<std::mutex>(settings); }
