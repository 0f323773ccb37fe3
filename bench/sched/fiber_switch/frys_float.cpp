#include "frys.hpp"

BENCH_CONTENDER("frys, float control") { return switches(settings, &frys_side::rounds<frys::context>); }
