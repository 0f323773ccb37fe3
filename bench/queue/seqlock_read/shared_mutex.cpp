#include "locked.hpp"

BENCH_MEASURE("shared_mutex", locked_cell<std::shared_mutex, std::shared_lock<std::shared_mutex>>)
