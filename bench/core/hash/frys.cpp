#include "workload.hpp"

#include <frys/core/hash.hpp>

BENCH_CONTENDER("frys") { return hash_texts(settings, frys::hash{}); }
