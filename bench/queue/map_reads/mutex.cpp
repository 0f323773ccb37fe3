#include "workload.hpp"

BENCH_CONTENDER("mutex+unordered_map") {
  return measure<locked_map<std::mutex, std::lock_guard<std::mutex>>>(settings);
}
