#include "frys.hpp"

BENCH_CONTENDER("frys") { return switches(settings, &frys_side::rounds<frys::quick_context>); }
