#include "sched/adapters/serial.hpp"
#include "workload.hpp"

namespace {
struct plain : serial_crew {
  using serial_crew::serial_crew;
  std::uint64_t grained_fib(unsigned n, unsigned leaf) { return unforked_fib(n, leaf); }
};
}  // namespace

BENCH_MEASURE("by hand serial", plain)
