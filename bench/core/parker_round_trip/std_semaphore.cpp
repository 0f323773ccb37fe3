#include "workload.hpp"

#include <semaphore>

namespace {
struct bell {
  std::counting_semaphore<> s{0};
  void ring() { s.release(); }
  void await() { s.acquire(); }
};
}  // namespace

BENCH_CONTENDER("std::semaphore") { return {0, {{"default", "ns", bench::better::lower, round_trip<bell>(settings)}}}; }
