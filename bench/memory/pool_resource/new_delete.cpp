#include "workload.hpp"

BENCH_CONTENDER("new+delete") { return measure(settings, *std::pmr::new_delete_resource()); }
