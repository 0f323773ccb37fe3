#include "workload.hpp"

#include <vector>

namespace {
struct vector : std::vector<std::uint64_t> {
  void add(std::uint64_t v) { push_back(v); }
};
}  // namespace

BENCH_MEASURE("std::vector", vector)
