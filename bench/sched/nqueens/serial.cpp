#include "sched/adapters/serial.hpp"
#include "workload.hpp"
BENCH_MEASURE("by hand serial", serial_crew)
