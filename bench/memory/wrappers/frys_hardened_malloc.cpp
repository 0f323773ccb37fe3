#include "workload.hpp"

#include <frys/memory/hardened.hpp>

BENCH_CONTENDER("frys, hardened malloc") {
  static frys::hardened<frys::system_allocator> a;
  return churn(settings, a);
}
