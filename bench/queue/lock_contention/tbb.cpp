// link: tbb
#include "workload.hpp"

#if __has_include(<tbb/spin_mutex.h>)
#include <tbb/spin_mutex.h>

BENCH_CONTENDER("tbb::spin_mutex") { return measure<tbb::spin_mutex>(settings); }
#else
BENCH_MISSING("tbb::spin_mutex", "libtbb-dev")
#endif
