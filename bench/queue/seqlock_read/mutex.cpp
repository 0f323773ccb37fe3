#include "locked.hpp"

BENCH_MEASURE("mutex", locked_cell<std::mutex, std::lock_guard<std::mutex>>)
