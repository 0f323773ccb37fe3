#include "lru.hpp"

BENCH_CONTENDER("mutex+lru") { return measure<lru_cache<1>>(settings); }
