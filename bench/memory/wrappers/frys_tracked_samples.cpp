#include "workload.hpp"

#include <frys/memory/tracked.hpp>

BENCH_CONTENDER("frys, tracked, a stack per 512 KiB") {
  static frys::tracked<bare, frys::policy::sample_every<512 * 1024>, frys::policy::stacks<frys::stacks::unwind<>>> a;
  return churn(settings, a);
}
