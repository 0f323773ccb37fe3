#include "sched/adapters/serial.hpp"
#include "workload.hpp"

namespace {
// Plain calls: of pairs of lambdas the compiler would see that half of them answer the same.
struct plain : serial_crew {
  using serial_crew::serial_crew;
  std::uint64_t fib(unsigned n) { return fib_calls(n); }
};
}  // namespace

BENCH_MEASURE("by hand serial", plain)
