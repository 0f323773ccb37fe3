#include "locked.hpp"

BENCH_CONTENDER("mutex") { return measure<locked_diamond<std::mutex, std::lock_guard<std::mutex>>>(settings); }
