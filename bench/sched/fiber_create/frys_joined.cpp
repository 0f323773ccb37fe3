#include "frys.hpp"

BENCH_CONTENDER("frys, joined") { return creates(settings, &frys_side::joined); }
