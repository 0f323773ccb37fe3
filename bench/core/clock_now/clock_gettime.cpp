#include "workload.hpp"

#include <time.h>

BENCH_CONTENDER("clock_gettime") {
  return ask(settings, "now", [] {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
  });
}
