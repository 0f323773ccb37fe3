#include "workload.hpp"

#include <chrono>

BENCH_CONTENDER("std::chrono::steady_clock") {
  return ask(settings, "now",
             [] { return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); });
}
