#include "lru.hpp"

BENCH_CONTENDER("16 mutexes+lru") { return measure<lru_cache<16>>(settings); }
