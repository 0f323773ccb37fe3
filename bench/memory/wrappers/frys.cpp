#include "workload.hpp"

BENCH_CONTENDER("frys, bare") {
  static bare a;
  return churn(settings, a);
}
