#include <unordered_map>

#include "maps.hpp"

BENCH_MEASURE("std::unordered_map", numbered<std::unordered_map<std::uint64_t, particle>>)
