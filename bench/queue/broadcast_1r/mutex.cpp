#include "locked.hpp"

BENCH_CONTENDER("mutex") { return measure<locked_stream<std::mutex, std::lock_guard<std::mutex>>>(settings); }
