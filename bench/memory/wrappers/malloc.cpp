#include "workload.hpp"

BENCH_CONTENDER("malloc") {
  static frys::system_allocator a;
  return churn(settings, a);
}
