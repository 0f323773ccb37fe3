#include <map>

#include "maps.hpp"

BENCH_MEASURE("std::map", numbered<std::map<std::uint64_t, particle>>)
