#include "frys.hpp"

BENCH_CONTENDER("frys context") { return creates(settings, &frys_side::bare); }
