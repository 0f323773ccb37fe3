#include "frys.hpp"

BENCH_CONTENDER("frys") { return creates(settings, &frys_side::started); }
