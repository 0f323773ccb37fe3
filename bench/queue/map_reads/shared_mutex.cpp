#include "workload.hpp"

BENCH_CONTENDER("shared_mutex+unordered_map") {
  return measure<locked_map<std::shared_mutex, std::shared_lock<std::shared_mutex>>>(settings);
}
