#include "workload.hpp"

#include <functional>

BENCH_CONTENDER("std::hash") { return hash_texts(settings, std::hash<std::string_view>{}); }
